// Rows of the read model `notifications`. Numbers in keys are big-endian, in values little-endian; `down(x)` is ~x, so
// that the newest comes first.
//
//   notification  key   := 'n', workspace u32, user (16), down(position) u64
//                 value := format u8 (1), type u8, task (16), version u32, actor (16), time i64, read i64 (0: not by
//                 itself)
//   unread        key   := 'u', workspace u32, user (16), down(position) u64            not read by itself
//   of a task     key   := 't', workspace u32, task (16), user (16), position u64       to find them when it is erased
//   counter       key   := 'c', workspace u32, user (16)
//                 value := unread u64, read up to (position) u64
//   all read      key   := 'a', workspace u32, user (16), up to (position) u64
//                 value := time i64
//
// A notification is read when it was by itself, or when its position is at most the user's "read up to"; it was then by
// the first 'a' row at or after it. Titles are not here: they are read from the log, so that an erasure reaches them.
// Threads: any. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/notification.h"
#include "core/timestamp.h"

namespace taskledger::projections {

inline constexpr std::string_view kNotificationsProjection = "notifications";

struct NotificationRow {
  WorkspacePosition position;
  NotificationType type = NotificationType::task_assigned;
  TaskId task;
  Version version;  // of the task, after the event
  UserId actor;
  Timestamp time;
  Timestamp read_at;  // 0: not by itself
  friend bool operator==(const NotificationRow&, const NotificationRow&) = default;
};
struct NotificationCounter {
  std::uint64_t unread = 0;
  WorkspacePosition read_up_to;
  [[nodiscard]] bool empty() const { return unread == 0 && read_up_to.value == 0; }
};

// Tables 'n' and 'u'; without a position what all of the user's begin with. Table 'a': up to.
[[nodiscard]] std::string notification_key(char table, WorkspaceNumber workspace, const UserId& user);
[[nodiscard]] std::string notification_key(char table, WorkspaceNumber workspace, const UserId& user,
                                           WorkspacePosition position);
[[nodiscard]] std::string notifications_of_task_key(WorkspaceNumber workspace, const TaskId& task);
[[nodiscard]] std::string notifications_of_task_key(WorkspaceNumber workspace, const TaskId& task, const UserId& user,
                                                    WorkspacePosition position);
// The position that a key of 'n', 'u', 'a' or 't' ends with; and the user of one of 't'.
[[nodiscard]] WorkspacePosition position_of_notification_key(std::string_view key);
[[nodiscard]] UserId user_of_task_key(std::string_view key);

[[nodiscard]] std::string notification_value(const NotificationRow& row);
// `row.position` is the key's. False for bytes that are no such row.
[[nodiscard]] bool read_notification_row(std::string_view key, std::string_view value, NotificationRow& row);
[[nodiscard]] std::string counter_value(const NotificationCounter& counter);
[[nodiscard]] bool read_counter(std::string_view value, NotificationCounter& counter);
[[nodiscard]] std::string time_value(Timestamp time);
[[nodiscard]] Timestamp read_time(std::string_view value);

}  // namespace taskledger::projections
