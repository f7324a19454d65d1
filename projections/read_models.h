// What the read side answers: one facade over the read models list, mode, stats and notifications of all workspaces.
// Each answer comes from one consistent state, whose workspace position it names. Threads: any. Calls hold a shared
// lock for as long as they run; a writer waits for them, so long ones (see `list_at_once`) belong on a worker thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/ids.h"
#include "core/query.h"
#include "storage/event_log.h"

namespace taskledger::projections {

class Image;

struct ListPage {
  // The page's tasks as JSON objects, joined by ','; never null. Pages may share it.
  std::shared_ptr<const std::string> rows = no_rows();
  std::uint64_t total = 0;           // all matches of the filters, exact
  std::optional<SortPosition> next;  // the last task of this page when more follow
  WorkspacePosition position;        // the state answered from

 private:
  static const std::shared_ptr<const std::string>& no_rows() {
    static const auto none = std::make_shared<const std::string>();
    return none;
  }
};

struct TaskAnswer {
  std::string json;  // the task, with its links when asked for; empty when there is none (or deleted)
  Version version;
  WorkspacePosition position;
  [[nodiscard]] bool found() const { return !json.empty(); }
};

struct StatsAnswer {
  Stats stats;
  WorkspacePosition position;
};

struct NotificationsQuery {
  WorkspaceId workspace;  // the asked one's, for the ids of notifications
  UserId user;
  bool unread_only = false;
  std::optional<WorkspacePosition> before;  // where the page before ended
  std::uint32_t limit = 20;
};
struct NotificationPage {
  std::string rows;                       // newest first, as JSON objects, joined by ','
  std::uint64_t unread = 0;               // of all the user's
  std::optional<WorkspacePosition> next;  // of the last one of this page when more follow
  WorkspacePosition position;             // the state answered from
};

// Pages kept for those who ask the same again; counted since the start.
struct PageCacheFigures {
  std::uint64_t pages = 0, bytes = 0, hits = 0, misses = 0;
};

class ReadModels {
 public:
  virtual ~ReadModels() = default;
  // What list() answers, if that takes microseconds; nullopt: it may take milliseconds, growing with the workspace.
  [[nodiscard]] virtual std::optional<ListPage> list_at_once(WorkspaceNumber workspace, const ListQuery& query) = 0;
  // ReadError: a damaged file was met while loading the workspace (503).
  [[nodiscard]] virtual Result<ListPage, storage::ReadError> list(WorkspaceNumber workspace,
                                                                  const ListQuery& query) = 0;
  [[nodiscard]] virtual Result<TaskAnswer, storage::ReadError> task(WorkspaceNumber workspace, const TaskId& id,
                                                                    bool include_links) = 0;
  [[nodiscard]] virtual Result<StatsAnswer, storage::ReadError> stats(WorkspaceNumber workspace,
                                                                      const StatsQuery& query) = 0;
  [[nodiscard]] virtual Result<NotificationPage, storage::ReadError> notifications(WorkspaceNumber workspace,
                                                                                   const NotificationsQuery& query) = 0;
  // The same if the workspace's image is in memory and few events have to be read for the titles; else nullopt.
  [[nodiscard]] virtual Result<std::optional<NotificationPage>, storage::ReadError> notifications_at_once(
      WorkspaceNumber workspace, const NotificationsQuery& query) = 0;
  // Whether the user's notification of the event at `at` is unread; nullopt: there is none.
  [[nodiscard]] virtual Result<std::optional<bool>, storage::ReadError> notification_unread(WorkspaceNumber workspace,
                                                                                            const UserId& user,
                                                                                            WorkspacePosition at) = 0;
  [[nodiscard]] virtual Result<std::uint64_t, storage::ReadError> unread_notifications(WorkspaceNumber workspace,
                                                                                       const UserId& user) = 0;
  // For copying what serves, piece by piece: the image, and the position it reflects. A writer waits while `visit`
  // runs.
  virtual Result<void, storage::ReadError> read_image(
      WorkspaceNumber workspace, const std::function<void(const Image&, WorkspacePosition)>& visit) = 0;
  // What is passed, and no file of the read models holds anything of the tasks erased in it any more, once `done` says
  // so. Blocks for long, but not for a rebuild that is under way: then `done` is called on its thread, when that has
  // ended or was stopped; otherwise within the call. Must not block.
  virtual void purge_erased(std::function<void(Result<void, storage::ReadError>)> done) = 0;
  // Whether reads of the workspace cost what they cost: without its image in memory the first one loads it, a second or
  // so a million tasks.
  [[nodiscard]] virtual bool is_loaded(WorkspaceNumber workspace) const = 0;
  // Of the events that every later read reflects.
  [[nodiscard]] virtual WorkspacePosition position(WorkspaceNumber workspace) const = 0;
};

}  // namespace taskledger::projections
