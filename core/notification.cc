#include "core/notification.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/json_reader.h"

namespace taskledger {
namespace {

// {"type":"NotificationRead","workspace":N,"user":UUID,"position":N}
// {"type":"NotificationsRead","workspace":N,"user":UUID,"up_to":N}
std::string payload(std::string_view type, WorkspaceNumber workspace, const UserId& user, std::string_view key,
                    std::uint64_t value) {
  std::string out = R"({"type":")";
  out.append(type).append(R"(","workspace":)").append(std::to_string(workspace.value)).append(R"(,"user":")");
  append_uuid(out, user.value);
  out.append(R"(",")").append(key).append("\":").append(std::to_string(value)).append("}");
  return out;
}

Invalid damaged(std::string_view field) {
  return {"notification record: '" + std::string(field) + "' is missing or malformed"};
}

void add(std::vector<Recipient>& recipients, const UserId& actor, const UserId& user, NotificationType type) {
  if (user == actor) return;
  for (const Recipient& known : recipients) {
    if (known.user == user) return;
  }
  recipients.push_back({user, type});
}

}  // namespace

std::string_view name_of(NotificationType type) noexcept {
  switch (type) {
    case NotificationType::task_assigned:
      return "task_assigned";
    case NotificationType::task_completed:
      return "task_completed";
  }
  return {};
}

std::vector<Recipient> recipients_of(const TaskEvent& event, const UserId& actor, const Task& after) {
  std::vector<Recipient> recipients;
  if (const auto* created = std::get_if<TaskCreated>(&event)) {
    if (created->fields.assigned_to)
      add(recipients, actor, *created->fields.assigned_to, NotificationType::task_assigned);
  } else if (const auto* updated = std::get_if<TaskUpdated>(&event)) {
    // Only fields that changed are in an update.
    const auto& assigned_to = updated->patch.assigned_to;
    if (assigned_to && *assigned_to) add(recipients, actor, **assigned_to, NotificationType::task_assigned);
  } else if (std::holds_alternative<TaskCompleted>(event)) {
    if (after.fields.assigned_to) add(recipients, actor, *after.fields.assigned_to, NotificationType::task_completed);
    add(recipients, actor, after.created_by, NotificationType::task_completed);
  }
  return recipients;
}

NotificationId notification_id(const WorkspaceId& workspace, const UserId& user, WorkspacePosition position) {
  std::array<std::uint8_t, 24> name{};
  std::copy(workspace.value.bytes.begin(), workspace.value.bytes.end(), name.begin());
  for (std::size_t i = 0; i < 8; ++i) name[16 + i] = static_cast<std::uint8_t>(position.value >> (56 - 8 * i));
  NotificationId id{uuid_v5(user.value, name)};
  for (std::size_t i = 0; i < 6; ++i) id.value.bytes[i] = name[18 + i];
  id.value.bytes[6] = static_cast<std::uint8_t>((id.value.bytes[6] & 0x0f) | 0x80);  // version 8
  return id;
}

std::optional<WorkspacePosition> notification_position(const WorkspaceId& workspace, const UserId& user,
                                                       const Uuid& id) {
  WorkspacePosition position;
  for (std::size_t i = 0; i < 6; ++i) position.value = position.value << 8 | id.bytes[i];
  if (notification_id(workspace, user, position).value != id) return std::nullopt;
  return position;
}

std::string notification_payload(const NotificationEvent& event) {
  if (const auto* one = std::get_if<NotificationRead>(&event)) {
    return payload("NotificationRead", one->workspace, one->user, "position", one->position.value);
  }
  if (const auto* all = std::get_if<NotificationsRead>(&event)) {
    return payload("NotificationsRead", all->workspace, all->user, "up_to", all->up_to.value);
  }
  return "{}";
}

Result<NotificationEvent> parse_notification_payload(std::string_view text) {
  // The server writes "type" first; records about something else need no parsing.
  if (!text.starts_with(R"({"type":"Notification)")) return NotificationEvent();
  const json::Document document(text);
  json::Object object;
  if (!document.root() || document.root()->get(object)) return Invalid{"notification record is no JSON object"};
  std::string_view type, user;
  if (object["type"].get(type)) return damaged("type");
  const bool one = type == "NotificationRead";
  if (!one && type != "NotificationsRead") return NotificationEvent();
  std::uint64_t workspace = 0, position = 0;
  if (object["workspace"].get(workspace) || workspace > std::numeric_limits<std::uint32_t>::max())
    return damaged("workspace");
  if (object["user"].get(user)) return damaged("user");
  const auto id = parse_uuid(user);
  if (!id) return damaged("user");
  if (object[one ? "position" : "up_to"].get(position)) return damaged(one ? "position" : "up_to");
  const WorkspaceNumber number{static_cast<std::uint32_t>(workspace)};
  if (one) return NotificationEvent(NotificationRead{number, {*id}, {position}});
  return NotificationEvent(NotificationsRead{number, {*id}, {position}});
}

}  // namespace taskledger
