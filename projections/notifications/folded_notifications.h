// The notifications of the whole log in memory, for building their rows from nothing: 32 bytes each. First all of them,
// then the marks in the order of the log. The same rules as notifications.h, which the tests hold it to. Threads: one;
// the lists of several users, rows() and parts() by several at once.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "projections/notifications/notification_row.h"

namespace taskledger::projections {

class FoldedNotifications {
 public:
  // Tasks and actors have numbers here: the one is given by whoever folds, with the task that it is of, the other by
  // actor().
  struct Note {
    WorkspacePosition position;
    Timestamp time;
    std::uint32_t task = 0, actor = 0;
    Version version;
    NotificationType type = NotificationType::task_assigned;
  };
  using IdOf = std::function<const Uuid&(std::uint32_t)>;
  using Rows = std::function<bool(std::string& key, std::string& value)>;

  explicit FoldedNotifications(IdOf id_of) : id_of_(std::move(id_of)) {}

  [[nodiscard]] std::uint32_t actor(const UserId& user);
  // Where a user's notes go, oldest first; stays where it is.
  [[nodiscard]] std::vector<Note>& notes_of(WorkspaceNumber workspace, const UserId& user) {
    return users_[{workspace, user}].notes;
  }
  // Of stretches that end at `ends` and are each oldest first.
  static void put_in_order(std::vector<Note>& notes, std::vector<std::size_t> ends);
  // The notes of the tasks of which `erased(task)` is true.
  void forget(const std::function<bool(std::uint32_t task)>& erased);
  // What the payload of a system record says, and when; `seen` is how far its workspace was then: what came later is
  // not meant.
  void mark(const NotificationEvent& event, Timestamp time, WorkspacePosition seen);
  // In key order; this outlives the source.
  [[nodiscard]] Rows rows() const;
  [[nodiscard]] std::size_t size() const;
  // The same in at most `wanted` parts of about one size, in key order, to be asked for and read at once.
  [[nodiscard]] std::vector<std::function<Rows()>> parts(std::size_t wanted) const;

 private:
  struct OfUser {
    std::vector<Note> notes;                                        // oldest first
    std::map<WorkspacePosition, Timestamp> read;                    // those read by themselves
    std::vector<std::pair<WorkspacePosition, Timestamp>> all_read;  // oldest first
    [[nodiscard]] WorkspacePosition read_up_to() const {
      return all_read.empty() ? WorkspacePosition{} : all_read.back().first;
    }
    [[nodiscard]] bool read_by_itself(WorkspacePosition at) const { return !read.empty() && read.contains(at); }
  };
  using Users = std::map<std::pair<WorkspaceNumber, UserId>, OfUser>;
  [[nodiscard]] NotificationRow row_of(const OfUser& user, const Note& note) const;
  [[nodiscard]] Rows rows_of(char table, Users::const_iterator from, Users::const_iterator to) const;
  [[nodiscard]] Rows in_turn(std::vector<Rows> sources) const;

  const IdOf id_of_;
  Users users_;
  std::vector<UserId> actors_;
  std::unordered_map<UserId, std::uint32_t> actor_numbers_;
};

}  // namespace taskledger::projections
