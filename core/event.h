// Events: what happened to a task, in the past tense, and their JSON payloads (`data` of the event line).
// A payload is stored as the canonical JSON text of its `data`; `format` lets a later version upcast an older one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/ids.h"
#include "core/result.h"
#include "core/task.h"
#include "core/timestamp.h"

namespace taskledger {

// Values are stored: never renumber.
enum class EventType : std::uint8_t {
  task_created = 1,
  task_updated = 2,
  task_completed = 3,
  task_reopened = 4,
  task_deleted = 5,
  task_restored = 6,
  task_erased = 7,
};
[[nodiscard]] std::string_view name_of(EventType) noexcept;  // "TaskCreated" …
[[nodiscard]] std::optional<EventType> parse_event_type(std::string_view) noexcept;
inline constexpr std::string_view kEventTypeNames =
    "TaskCreated, TaskUpdated, TaskCompleted, TaskReopened, TaskDeleted, TaskRestored, TaskErased";

struct TaskCreated {
  TaskFields fields;
  friend bool operator==(const TaskCreated&, const TaskCreated&) = default;
};
struct TaskUpdated {
  TaskPatch patch;
  friend bool operator==(const TaskUpdated&, const TaskUpdated&) = default;
};
// Given only where an undo brings an earlier completion back; otherwise time and actor of the event itself.
struct TaskCompleted {
  std::optional<Timestamp> completed_at;
  std::optional<UserId> completed_by;
  friend bool operator==(const TaskCompleted&, const TaskCompleted&) = default;
};
struct TaskReopened {
  friend bool operator==(const TaskReopened&, const TaskReopened&) = default;
};
struct TaskDeleted {
  friend bool operator==(const TaskDeleted&, const TaskDeleted&) = default;
};
struct TaskRestored {
  friend bool operator==(const TaskRestored&, const TaskRestored&) = default;
};
struct TaskErased {
  friend bool operator==(const TaskErased&, const TaskErased&) = default;
};
using TaskEvent =
    std::variant<TaskCreated, TaskUpdated, TaskCompleted, TaskReopened, TaskDeleted, TaskRestored, TaskErased>;

[[nodiscard]] EventType type_of(const TaskEvent&) noexcept;
// What is left of an event whose payload was erased: its type.
[[nodiscard]] TaskEvent event_without_data(EventType type);

// The canonical `data` object. Keys in the order title, due_date, priority, action_type, assigned_to_id,
// linked_entities (completed_at, completed_by). Of a creation nulls and an empty list of links are left out; of an
// update nulls are kept.
void append_event_data(std::string& out, const TaskEvent& event);
[[nodiscard]] std::string event_data(const TaskEvent& event);
// Reads a stored payload, or the `data` of an imported line: validated like a command (same texts, `Field 'x' …`;
// unknown and duplicate fields are refused). Times need no zone: those without an offset are UTC.
[[nodiscard]] Result<TaskEvent> parse_event_data(EventType type, std::string_view json);

// Where and when an event stands, as in the event line.
struct EventHeader {
  WorkspacePosition position;
  EventId id;
  WorkspaceId workspace_id;
  TaskId task_id;
  Version version;
  EventType type = EventType::task_created;
  Timestamp time;
  UserId actor;
};
// Appends the event line (no newline), keys in the contract's order; `data` is JSON text, left out when erased
// (nullopt). `extra` is appended before the closing brace, e.g. `,"changes":[…]`.
void append_event_line(std::string& out, const EventHeader& header, std::optional<std::string_view> data,
                       std::string_view extra = {});
// Appends `[{"field","from","to"}…]` of an update applied to the state before it.
void append_changes_json(std::string& out, const Task& before, const TaskPatch& patch);

// One line of an import, checked as far as one line can be.
struct ImportedEvent {
  TaskId task_id;
  EventType type = EventType::task_created;
  Timestamp time;
  UserId actor;
  TaskEvent event;
  std::optional<Version> version;
  std::optional<EventId> id;
};
// `position` and `workspace_id` may be there (checked for their type) and are not used. Errors name the field.
// A line without `data` (of an erased history) has TaskErased as its `event`, whatever its `type`.
[[nodiscard]] Result<ImportedEvent> parse_event_line(std::string_view line);

}  // namespace taskledger
