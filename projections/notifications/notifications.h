// The notifications of all users: folded as events pass, kept as rows in the view store, those not yet written beside
// it in memory. A new one is only noted down at first; whoever reads, or writes the rows, counts and sorts it in.
// Threads: one writer (the runner's) at a time; readers from any. A writer holds the workspace's lock as well, so that
// a reader who holds it shared sees tasks and notifications of one state.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/task.h"
#include "projections/notifications/notification_row.h"
#include "storage/event_log.h"
#include "storage/view_store.h"

namespace taskledger::projections {

struct NotificationRows {
  std::vector<NotificationRow> rows;  // newest first; read_at as readers see it
  bool more = false;
  std::uint64_t unread = 0;
};

class Notifications {
 public:
  template <class T>
  using Outcome = Result<T, storage::ReadError>;
  // Both outlive this.
  Notifications(const storage::ViewStore& views, const std::atomic<std::uint64_t>& generation)
      : views_(views), generation_(generation) {}

  // The event of a task record, which was not imported; `task` is the task after it.
  void apply(const storage::Record& record, const TaskEvent& event, const Task& task);
  // A system record; those about something else are ignored.
  Outcome<void> apply_system(const storage::Record& record);
  // A task was erased, whose events stood there. What their payloads said (who was told of what) goes with them, as it
  // would in a rebuild.
  Outcome<void> forget(WorkspaceNumber workspace, const std::vector<WorkspacePosition>& events);

  // Of the user, older than `before`.
  [[nodiscard]] Outcome<NotificationRows> page(WorkspaceNumber workspace, const UserId& user, bool unread_only,
                                               std::optional<WorkspacePosition> before, std::size_t limit) const;
  // Whether it is unread; nullopt: there is none.
  [[nodiscard]] Outcome<std::optional<bool>> unread(WorkspaceNumber workspace, const UserId& user,
                                                    WorkspacePosition position) const;
  [[nodiscard]] Outcome<std::uint64_t> unread_count(WorkspaceNumber workspace, const UserId& user) const;

  // Sets what changed since the last time aside, to be written; it is answered from memory until written() says that
  // the store has it. frozen_rows(): the rows of it, in key order, for the one who froze them.
  void freeze();
  Outcome<storage::RowChanges> frozen_rows();
  void written();
  // Becomes what `other` is, which has nothing frozen; `switch_generation` is called while nobody reads.
  void take_over(Notifications& other, const std::function<void()>& switch_generation);
  // Rows changed and not taken.
  [[nodiscard]] std::size_t changed() const { return noted_count_ + changed_count_; }

 private:
  using Changes = std::map<std::string, std::optional<std::string>, std::less<>>;
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  struct Noted {
    WorkspaceNumber workspace;
    UserId user;
    NotificationRow row;
  };
  // While one is held, nothing noted down before it was taken is left to be sorted in.
  struct Reading {
    std::shared_lock<std::shared_mutex> shared;
    std::unique_lock<std::shared_mutex> alone;
  };

  [[nodiscard]] Outcome<Reading> read() const;
  // All below under the lock; those that change something, alone.
  Outcome<void> settle() const;  // what is noted down; comes before any other change
  Outcome<void> settle(std::vector<Noted>& noted, std::size_t count, Changes& into) const;
  Outcome<std::optional<std::string>> get(std::string_view key) const;
  Outcome<void> scan(const std::string& from, const std::string& to, const Visit& visit) const;
  void put(std::string key, std::optional<std::string> value);
  Outcome<NotificationCounter> counter(WorkspaceNumber workspace, const UserId& user) const;
  void put_counter(WorkspaceNumber workspace, const UserId& user, const NotificationCounter& counter);
  Outcome<std::optional<NotificationRow>> row(WorkspaceNumber workspace, const UserId& user,
                                              WorkspacePosition position) const;
  // Those of the positions at which a table has a row of the user. Costs about a look-up for each, or a step for each
  // of the user's rows between them, whichever is less.
  Outcome<std::vector<WorkspacePosition>> among(char table, WorkspaceNumber workspace, const UserId& user,
                                                const std::vector<WorkspacePosition>& newest_first) const;
  // Rows of a table from the key on, up to one more than `limit`.
  Outcome<void> rows_from(const std::string& from, const std::string& to, std::size_t limit,
                          std::vector<NotificationRow>& rows) const;
  Outcome<void> mark_read(const NotificationRead& event, Timestamp time);
  Outcome<void> mark_all_read(const NotificationsRead& event, Timestamp time);
  Outcome<void> fill_read_times(WorkspaceNumber workspace, const UserId& user, WorkspacePosition read_up_to,
                                std::vector<NotificationRow>& rows) const;

  const storage::ViewStore& views_;
  const std::atomic<std::uint64_t>& generation_;
  mutable std::shared_mutex mutex_;
  // What is frozen lies below what changed since. While some of what is frozen is only noted down, nothing above is
  // more than that: each is settled on what lies below.
  mutable Changes changes_, frozen_;
  mutable std::vector<Noted> frozen_noted_;
  mutable std::mutex noting_;  // after mutex_; all that a writer who tells somebody waits for
  mutable std::vector<Noted> noted_;
  mutable std::atomic<std::size_t> noted_count_{0}, changed_count_{0};
};

}  // namespace taskledger::projections
