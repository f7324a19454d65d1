// A page of notifications as JSON. Titles are read from the log, as they were at the event.
// Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "projections/notifications/notification_row.h"
#include "projections/read_models.h"
#include "storage/event_log.h"

namespace taskledger::projections {

struct ShownNotification {
  NotificationRow row;
  bool task_deleted = false;  // as things are now
};
// How many events are read for their titles, at most.
[[nodiscard]] std::uint64_t events_behind(const std::vector<ShownNotification>& rows);
// Appends `{"id","type","task_id","title","actor","created_at","read_at"}`, joined by ','; of a deleted task
// `"task_deleted":true` after its id.
Result<void, storage::ReadError> append_notifications_json(std::string& out, WorkspaceNumber workspace,
                                                           const NotificationsQuery& query,
                                                           const std::vector<ShownNotification>& rows,
                                                           const storage::EventLog& log);

}  // namespace taskledger::projections
