// The notifications of the whole log in memory, for building their rows from nothing: about 90 bytes each. First all of
// them, in any order, then settle(), then the marks in the order of the log.
// The same rules as notifications.h, which the tests hold it to.
// Threads: one; rows() of several at once.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "projections/notifications/notification_row.h"

namespace taskledger::projections {

class FoldedNotifications {
 public:
  void add(WorkspaceNumber workspace, const UserId& user, const NotificationRow& row) {
    users_[{workspace, user}].rows.push_back(row);
  }
  void settle();
  // What the payload of a system record says, and when; `seen` is how far its workspace was then: what came later is
  // not meant.
  void mark(const NotificationEvent& event, Timestamp time, WorkspacePosition seen);
  // The rows in key order; this outlives the source.
  [[nodiscard]] std::function<bool(std::string& key, std::string& value)> rows() const;

 private:
  struct OfUser {
    std::vector<NotificationRow> rows;                              // oldest first
    std::vector<std::pair<WorkspacePosition, Timestamp>> all_read;  // oldest first
    [[nodiscard]] WorkspacePosition read_up_to() const {
      return all_read.empty() ? WorkspacePosition{} : all_read.back().first;
    }
  };
  std::map<std::pair<WorkspaceNumber, UserId>, OfUser> users_;
};

}  // namespace taskledger::projections
