#include "app/task_states.h"

#include <cstdint>
#include <cstring>

namespace taskledger::app {
namespace {

constexpr std::int64_t kNoTime = INT64_MIN;
constexpr std::size_t kLinkBytes = sizeof(Uuid) + 1;

// Everything of a task but its title and links; absent enumeration values are 0.
struct Fixed {
  std::int64_t due_date, completed_at, created_at, updated_at;
  Uuid assigned_to, completed_by, created_by;
  std::uint32_t version;
  std::uint16_t title_bytes;  // 500 characters of 4 bytes at most
  std::uint8_t links;         // kMaxLinks at most
  std::uint8_t lifecycle, priority, action_type;
  bool has_assignee, has_completer;
};
static_assert(kMaxTitleCharacters * 4 <= UINT16_MAX && kMaxLinks <= UINT8_MAX);

std::int64_t pack(const std::optional<Timestamp>& time) { return time ? time->ms : kNoTime; }
std::optional<Timestamp> unpack(std::int64_t ms) { return ms == kNoTime ? std::nullopt : std::optional(Timestamp{ms}); }
template <class Enum>
std::uint8_t pack(const std::optional<Enum>& value) {
  return value ? static_cast<std::uint8_t>(*value) : 0;
}
template <class Enum>
std::optional<Enum> unpack(std::uint8_t code) {
  return code == 0 ? std::nullopt : std::optional(static_cast<Enum>(code));
}

}  // namespace

std::optional<Task> TaskStates::find(const TaskId& id) const {
  const auto found = states_.find(id);
  if (found == states_.end()) return std::nullopt;
  const char* from = found->second.get();
  Fixed fixed;
  std::memcpy(&fixed, from, sizeof fixed);
  from += sizeof fixed;
  Task task;
  task.id = id;
  task.lifecycle = static_cast<Lifecycle>(fixed.lifecycle);
  task.version = {fixed.version};
  task.fields.title.assign(from, fixed.title_bytes);
  from += fixed.title_bytes;
  task.fields.due_date = unpack(fixed.due_date);
  task.fields.priority = unpack<Priority>(fixed.priority);
  task.fields.action_type = unpack<ActionType>(fixed.action_type);
  if (fixed.has_assignee) task.fields.assigned_to = UserId{fixed.assigned_to};
  task.fields.links.resize(fixed.links);
  for (Link& link : task.fields.links) {
    std::memcpy(&link.id.value, from, sizeof(Uuid));
    link.type = static_cast<EntityType>(from[sizeof(Uuid)]);
    from += kLinkBytes;
  }
  task.completed_at = unpack(fixed.completed_at);
  if (fixed.has_completer) task.completed_by = UserId{fixed.completed_by};
  task.created_by = {fixed.created_by};
  task.created_at = {fixed.created_at};
  task.updated_at = {fixed.updated_at};
  return task;
}

void TaskStates::keep(const Task& task) {
  const TaskFields& fields = task.fields;
  Fixed fixed{};
  fixed.due_date = pack(fields.due_date);
  fixed.completed_at = pack(task.completed_at);
  fixed.created_at = task.created_at.ms;
  fixed.updated_at = task.updated_at.ms;
  fixed.has_assignee = fields.assigned_to.has_value();
  if (fields.assigned_to) fixed.assigned_to = fields.assigned_to->value;
  fixed.has_completer = task.completed_by.has_value();
  if (task.completed_by) fixed.completed_by = task.completed_by->value;
  fixed.created_by = task.created_by.value;
  fixed.version = task.version.value;
  fixed.title_bytes = static_cast<std::uint16_t>(fields.title.size());
  fixed.links = static_cast<std::uint8_t>(fields.links.size());
  fixed.lifecycle = static_cast<std::uint8_t>(task.lifecycle);
  fixed.priority = pack(fields.priority);
  fixed.action_type = pack(fields.action_type);

  auto packed = std::make_unique<char[]>(sizeof fixed + fields.title.size() + fields.links.size() * kLinkBytes);
  char* to = packed.get();
  std::memcpy(to, &fixed, sizeof fixed);
  to += sizeof fixed;
  std::memcpy(to, fields.title.data(), fields.title.size());
  to += fields.title.size();
  for (const Link& link : fields.links) {
    std::memcpy(to, &link.id.value, sizeof(Uuid));
    to[sizeof(Uuid)] = static_cast<char>(link.type);
    to += kLinkBytes;
  }
  states_[task.id] = std::move(packed);
}

}  // namespace taskledger::app
