#include "projections/notifications/notification_row.h"

#include "projections/row_bytes.h"

namespace taskledger::projections {

namespace {
constexpr std::uint8_t kFormat = 2;
constexpr std::size_t kPositionKeyBytes = 29, kValueBytes = 54;
bool newest_first(char table) { return table == 'n' || table == 'r'; }
}  // namespace

std::string notification_key(char table, WorkspaceNumber workspace) {
  std::string key(1, table);
  put_big(key, workspace.value);
  return key;
}

std::string notification_key(char table, WorkspaceNumber workspace, const UserId& user) {
  std::string key = notification_key(table, workspace);
  put_uuid(key, user.value);
  return key;
}

std::string notification_key(char table, WorkspaceNumber workspace, const UserId& user, WorkspacePosition position) {
  std::string key;
  key.reserve(kPositionKeyBytes);
  append_notification_key(key, table, workspace, user, position);
  return key;
}

void append_notification_key(std::string& out, char table, WorkspaceNumber workspace, const UserId& user,
                             WorkspacePosition position) {
  out += table;
  put_big(out, workspace.value);
  put_uuid(out, user.value);
  put_big(out, newest_first(table) ? ~position.value : position.value);
}

WorkspacePosition position_of_notification_key(std::string_view key) {
  WorkspacePosition position;
  for (const char byte : key.substr(key.size() - sizeof(position.value))) {
    position.value = position.value << 8 | static_cast<std::uint8_t>(byte);
  }
  if (newest_first(key.front())) position.value = ~position.value;
  return position;
}

UserId user_of_notification_key(std::string_view key) {
  RowReader reader(key.substr(1 + sizeof(std::uint32_t)));
  return {reader.uuid()};
}

std::string notification_value(const NotificationRow& row) {
  std::string value;
  value.reserve(kValueBytes);
  append_notification_value(value, row);
  return value;
}

void append_notification_value(std::string& out, const NotificationRow& row) {
  put_little(out, kFormat);
  put_little(out, static_cast<std::uint8_t>(row.type));
  put_uuid(out, row.task.value);
  put_little(out, row.version.value);
  put_uuid(out, row.actor.value);
  put_little(out, row.time.ms);
  put_little(out, row.read_at.ms);
}

bool read_notification_row(std::string_view key, std::string_view value, NotificationRow& row) {
  RowReader reader(value);
  if (reader.little<std::uint8_t>() != kFormat) return false;
  row.type = static_cast<NotificationType>(reader.little<std::uint8_t>());
  row.task = {reader.uuid()};
  row.version = {reader.little<std::uint32_t>()};
  row.actor = {reader.uuid()};
  row.time = {reader.little<std::int64_t>()};
  row.read_at = {reader.little<std::int64_t>()};
  row.position = position_of_notification_key(key);
  return reader.done();
}

std::string counter_value(const NotificationCounter& counter) {
  std::string value;
  put_little(value, counter.notifications);
  put_little(value, counter.unread);
  put_little(value, counter.read_up_to.value);
  return value;
}

bool read_counter(std::string_view value, NotificationCounter& counter) {
  RowReader reader(value);
  counter.notifications = reader.little<std::uint64_t>();
  counter.unread = reader.little<std::uint64_t>();
  counter.read_up_to = {reader.little<std::uint64_t>()};
  return reader.done();
}

std::string time_value(Timestamp time) {
  std::string value;
  put_little(value, time.ms);
  return value;
}

Timestamp read_time(std::string_view value) {
  RowReader reader(value);
  return {reader.little<std::int64_t>()};
}

}  // namespace taskledger::projections
