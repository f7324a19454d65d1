// Notifications as the domain sees them: whom an event tells, and the system records that mark notifications as read.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/event.h"
#include "core/ids.h"
#include "core/result.h"
#include "core/task.h"

namespace taskledger {

using NotificationId = Id<struct NotificationTag>;

// Values are stored: never renumber.
enum class NotificationType : std::uint8_t { task_assigned = 1, task_completed = 2 };
[[nodiscard]] std::string_view name_of(NotificationType) noexcept;

struct Recipient {
  UserId user;
  NotificationType type;
  friend bool operator==(const Recipient&, const Recipient&) = default;
};
// Whom `event` by `actor` tells, nobody twice and never the actor; `after` is the task after it. Assigning tells the
// assignee, completing the assignee and the creator.
[[nodiscard]] std::vector<Recipient> recipients_of(const TaskEvent& event, const UserId& actor, const Task& after);

// One event tells a user at most once, so its position names the notification: UUIDv8, the position in the first 48
// bits, the rest a hash of workspace, user and position. Of the workspace's id, since its number would tell whoever
// tries some how many workspaces there are.
[[nodiscard]] NotificationId notification_id(const WorkspaceId& workspace, const UserId& user,
                                             WorkspacePosition position);
// Where a notification of this user with this id would stand; nullopt when none could have it.
[[nodiscard]] std::optional<WorkspacePosition> notification_position(const WorkspaceId& workspace, const UserId& user,
                                                                     const Uuid& id);

// Payloads of system records. The stream of the first is the notification's id (there is one record at most), that of
// the second an id of its own.
struct NotificationRead {
  WorkspaceNumber workspace;
  UserId user;
  WorkspacePosition position;
};
struct NotificationsRead {  // all up to `up_to`
  WorkspaceNumber workspace;
  UserId user;
  WorkspacePosition up_to;
};
using NotificationEvent = std::variant<std::monostate, NotificationRead, NotificationsRead>;
[[nodiscard]] std::string notification_payload(const NotificationEvent& event);
// monostate for a record that is about something else; Invalid for a damaged one.
[[nodiscard]] Result<NotificationEvent> parse_notification_payload(std::string_view json);

}  // namespace taskledger
