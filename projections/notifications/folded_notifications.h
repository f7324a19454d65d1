// The notifications of the whole log in memory, for building their rows from nothing: about 90 bytes each.
// The same rules as notifications.h, which the tests hold it to.
// Threads: one.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/task.h"
#include "projections/notifications/notification_row.h"
#include "storage/event_log.h"

namespace taskledger::projections {

class FoldedNotifications {
 public:
  // `task`: after the event.
  Result<void, storage::ReadError> apply(const storage::Record& record, const Task& task);
  Result<void, storage::ReadError> apply_system(const storage::Record& record);
  // The rows in key order; this outlives the source.
  [[nodiscard]] std::function<bool(std::string& key, std::string& value)> rows() const;

 private:
  struct OfUser {
    std::vector<NotificationRow> rows;                       // oldest first
    std::vector<std::pair<WorkspacePosition, Timestamp>> all_read;  // oldest first
    [[nodiscard]] WorkspacePosition read_up_to() const { return all_read.empty() ? WorkspacePosition{} : all_read.back().first; }
  };
  std::map<std::pair<WorkspaceNumber, UserId>, OfUser> users_;
};

}  // namespace taskledger::projections
