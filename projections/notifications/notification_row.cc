#include "projections/notifications/notification_row.h"

#include "projections/row_bytes.h"

namespace taskledger::projections {

namespace {
constexpr std::uint8_t kFormat = 2;
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
  std::string key = notification_key(table, workspace, user);
  put_big(key, newest_first(table) ? ~position.value : position.value);
  return key;
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
  put_little(value, kFormat);
  put_little(value, static_cast<std::uint8_t>(row.type));
  put_uuid(value, row.task.value);
  put_little(value, row.version.value);
  put_uuid(value, row.actor.value);
  put_little(value, row.time.ms);
  put_little(value, row.read_at.ms);
  return value;
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
