#include "projections/notifications/folded_notifications.h"

#include <algorithm>
#include <memory>
#include <tuple>

namespace taskledger::projections {

void FoldedNotifications::settle() {
  for (auto& [id, user] : users_) {
    std::sort(user.rows.begin(), user.rows.end(),
              [](const NotificationRow& a, const NotificationRow& b) { return a.position < b.position; });
  }
}

void FoldedNotifications::mark(const NotificationEvent& event, Timestamp time, WorkspacePosition seen) {
  if (const auto* one = std::get_if<NotificationRead>(&event)) {
    OfUser& user = users_[{one->workspace, one->user}];
    const auto row =
        std::lower_bound(user.rows.begin(), user.rows.end(), one->position,
                         [](const NotificationRow& row, WorkspacePosition at) { return row.position < at; });
    const bool there = row != user.rows.end() && row->position == one->position && row->position <= seen;
    if (there && row->read_at.ms == 0 && row->position > user.read_up_to()) row->read_at = time;
  } else if (const auto* all = std::get_if<NotificationsRead>(&event)) {
    OfUser& user = users_[{all->workspace, all->user}];
    if (all->up_to > user.read_up_to()) user.all_read.emplace_back(all->up_to, time);
  }
}

std::function<bool(std::string& key, std::string& value)> FoldedNotifications::rows() const {
  // One pass over the users for each table, in the order of their letters; that of tasks is sorted anew.
  struct Walk {
    std::string_view tables = "acntu";
    decltype(users_)::const_iterator user;
    std::size_t at = 0;
    using OfTask = std::tuple<WorkspaceNumber, TaskId, UserId, WorkspacePosition>;
    std::vector<OfTask> of_task;
  };
  auto walk = std::make_shared<Walk>();
  walk->user = users_.begin();
  return [this, walk](std::string& key, std::string& value) {
    for (; !walk->tables.empty(); walk->tables.remove_prefix(1), walk->user = users_.begin(), walk->at = 0) {
      const char table = walk->tables.front();
      if (table == 't') {
        if (walk->at == 0) {
          for (const auto& [id, user] : users_) {
            for (const NotificationRow& row : user.rows)
              walk->of_task.emplace_back(id.first, row.task, id.second, row.position);
          }
          std::sort(walk->of_task.begin(), walk->of_task.end());
        }
        if (walk->at == walk->of_task.size()) continue;
        const auto& [workspace, task, user, position] = walk->of_task[walk->at++];
        key = notifications_of_task_key(workspace, task, user, position);
        value.clear();
        return true;
      }
      for (; walk->user != users_.end(); ++walk->user, walk->at = 0) {
        const auto& [workspace, id] = walk->user->first;
        const OfUser& user = walk->user->second;
        if (table == 'a') {
          if (walk->at == user.all_read.size()) continue;
          key = notification_key('a', workspace, id, user.all_read[walk->at].first);
          value = time_value(user.all_read[walk->at++].second);
          return true;
        }
        if (table == 'c') {
          NotificationCounter counter{0, user.read_up_to()};
          for (const NotificationRow& row : user.rows)
            counter.unread += row.read_at.ms == 0 && row.position > counter.read_up_to;
          if (walk->at > 0 || counter.empty()) continue;
          ++walk->at;
          key = notification_key('c', workspace, id);
          value = counter_value(counter);
          return true;
        }
        while (walk->at < user.rows.size()) {
          const NotificationRow& row = user.rows[user.rows.size() - ++walk->at];
          if (table == 'u' && row.read_at.ms != 0) continue;
          key = notification_key(table, workspace, id, row.position);
          value = table == 'n' ? notification_value(row) : std::string();
          return true;
        }
      }
    }
    return false;
  };
}

}  // namespace taskledger::projections
