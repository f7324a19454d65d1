// Rows of the read model `notifications`. Numbers in keys are big-endian, in values little-endian; `down(x)` is ~x, so
// that the newest comes first.
//
//   all read      key   := 'a', workspace u32, user (16), up to (position) u64
//                 value := time i64
//   counter       key   := 'c', workspace u32, user (16)
//                 value := notifications u64, unread u64, read up to (position) u64
//   notification  key   := 'n', workspace u32, user (16), down(position) u64       not read by itself
//                          'r'                                                     read by itself
//                 value := format u8 (2), type u8, task (16), version u32, actor (16), time i64, read i64 (0: 'n')
//
// A notification is read when it was by itself, or when its position is at most the user's "read up to"; it was then by
// the first 'a' row at or after it. It is one row, since most are never looked at: an erased task's are found by asking
// everybody with a counter for one at the task's positions. Titles are not here: they are read from the log, so that an
// erasure reaches them.
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
  std::uint64_t notifications = 0, unread = 0;
  WorkspacePosition read_up_to;
  [[nodiscard]] bool empty() const { return notifications == 0 && read_up_to.value == 0; }
};

// What all of a workspace's begin with, and all of a user's; 'n' and 'r': the notification at `position`, 'a': up to
// it.
[[nodiscard]] std::string notification_key(char table, WorkspaceNumber workspace);
[[nodiscard]] std::string notification_key(char table, WorkspaceNumber workspace, const UserId& user);
[[nodiscard]] std::string notification_key(char table, WorkspaceNumber workspace, const UserId& user,
                                           WorkspacePosition position);
void append_notification_key(std::string& out, char table, WorkspaceNumber workspace, const UserId& user,
                             WorkspacePosition position);
// The position that a key of 'n', 'r' or 'a' ends with; and whose a key is.
[[nodiscard]] WorkspacePosition position_of_notification_key(std::string_view key);
[[nodiscard]] UserId user_of_notification_key(std::string_view key);

[[nodiscard]] std::string notification_value(const NotificationRow& row);
void append_notification_value(std::string& out, const NotificationRow& row);
// `row.position` is the key's. False for bytes that are no such row.
[[nodiscard]] bool read_notification_row(std::string_view key, std::string_view value, NotificationRow& row);
[[nodiscard]] std::string counter_value(const NotificationCounter& counter);
[[nodiscard]] bool read_counter(std::string_view value, NotificationCounter& counter);
[[nodiscard]] std::string time_value(Timestamp time);
[[nodiscard]] Timestamp read_time(std::string_view value);

}  // namespace taskledger::projections
