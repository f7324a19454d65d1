#include "core/event.h"

#include <array>
#include <utility>

#include "core/canonical_event.h"
#include "core/event_reader.h"
#include "core/json_reader.h"
#include "core/json_writer.h"
#include "core/task_reader.h"

namespace taskledger {
namespace {

using namespace json;

constexpr std::array<std::string_view, 7> kNames = {"TaskCreated", "TaskUpdated",  "TaskCompleted", "TaskReopened",
                                                    "TaskDeleted", "TaskRestored", "TaskErased"};

void append_data(std::string& out, const TaskCreated& event) {
  const TaskFields& fields = event.fields;
  ObjectWriter object(out);
  append_value(object.key("title"), fields.title);
  if (fields.due_date) append_value(object.key("due_date"), *fields.due_date);
  if (fields.priority) append_value(object.key("priority"), *fields.priority);
  if (fields.action_type) append_value(object.key("action_type"), *fields.action_type);
  if (fields.assigned_to) append_value(object.key("assigned_to_id"), *fields.assigned_to);
  if (!fields.links.empty()) append_value(object.key("linked_entities"), fields.links);
  object.end();
}

void append_data(std::string& out, const TaskUpdated& event) {
  const TaskPatch& patch = event.patch;
  ObjectWriter object(out);
  if (patch.title) append_value(object.key("title"), *patch.title);
  if (patch.due_date) append_value(object.key("due_date"), *patch.due_date);
  if (patch.priority) append_value(object.key("priority"), *patch.priority);
  if (patch.action_type) append_value(object.key("action_type"), *patch.action_type);
  if (patch.assigned_to) append_value(object.key("assigned_to_id"), *patch.assigned_to);
  if (patch.links) append_value(object.key("linked_entities"), *patch.links);
  object.end();
}

void append_data(std::string& out, const TaskCompleted& event) {
  ObjectWriter object(out);
  if (event.completed_at) append_value(object.key("completed_at"), *event.completed_at);
  if (event.completed_by) append_value(object.key("completed_by"), *event.completed_by);
  object.end();
}

void append_data(std::string& out, const TaskReopened&) { out += "{}"; }
void append_data(std::string& out, const TaskDeleted&) { out += "{}"; }
void append_data(std::string& out, const TaskRestored&) { out += "{}"; }
void append_data(std::string& out, const TaskErased&) { out += "{}"; }

Result<TaskPatch> read_patch(const Path& path, const Object& data, Nulls nulls) {
  static const TimeZone utc;
  TaskPatch patch;
  std::uint64_t seen = 0;
  const Result<void> read =
      read_object(path, data, kTaskFieldNames, seen, [&](std::size_t index, const Path& at, const Element& value) {
        return read_task_field(index, at, value, nulls, utc, patch);
      });
  if (!read) return read.error();
  return patch;
}

Result<TaskEvent> read_completed(const Path& path, const Object& data) {
  static constexpr std::array<std::string_view, 2> kKeys = {"completed_at", "completed_by"};
  TaskCompleted event;
  std::uint64_t seen = 0;
  const Result<void> read = read_object(path, data, kKeys, seen,
                                        [&](std::size_t index, const Path& at, const Element& value) -> Result<void> {
                                          if (value.is_null()) return {};
                                          if (index == 0) {
                                            const Result<Timestamp> time = read_instant(at, value);
                                            if (!time) return time.error();
                                            event.completed_at = *time;
                                          } else {
                                            const Result<Uuid> user = read_uuid(at, value);
                                            if (!user) return user.error();
                                            event.completed_by = UserId{*user};
                                          }
                                          return {};
                                        });
  if (!read) return read.error();
  return TaskEvent{event};
}

Result<TaskEvent> read_empty(const Path& path, const Object& data, TaskEvent event) {
  std::uint64_t seen = 0;
  const Result<void> read =
      read_object(path, data, {}, seen, [](std::size_t, const Path&, const Element&) { return Result<void>{}; });
  if (!read) return read.error();
  return event;
}

}  // namespace

std::string_view name_of(EventType type) noexcept { return kNames.at(static_cast<std::size_t>(type) - 1); }

std::optional<EventType> parse_event_type(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<EventType>(i + 1);
  }
  return std::nullopt;
}

TaskEvent event_without_data(EventType type) {
  switch (type) {
    case EventType::task_created:
      return TaskCreated{};
    case EventType::task_updated:
      return TaskUpdated{};
    case EventType::task_completed:
      return TaskCompleted{};
    case EventType::task_reopened:
      return TaskReopened{};
    case EventType::task_deleted:
      return TaskDeleted{};
    case EventType::task_restored:
      return TaskRestored{};
    case EventType::task_erased:
      break;
  }
  return TaskErased{};
}

EventType type_of(const TaskEvent& event) noexcept {
  static_assert(std::variant_size_v<TaskEvent> == kNames.size());
  return static_cast<EventType>(event.index() + 1);  // the variant lists the events in the order of their types
}

void append_event_data(std::string& out, const TaskEvent& event) {
  std::visit([&](const auto& alternative) { append_data(out, alternative); }, event);
}

std::string event_data(const TaskEvent& event) {
  constexpr std::size_t kMostPayloads = 448;  // bytes, so that most texts do not grow
  std::string out;
  if (std::holds_alternative<TaskCreated>(event) || std::holds_alternative<TaskUpdated>(event))
    out.reserve(kMostPayloads);
  append_event_data(out, event);
  return out;
}

Result<TaskEvent> json::read_event_data(const Path& path, EventType type, const Object& data) {
  switch (type) {
    case EventType::task_created: {
      Result<TaskPatch> patch = read_patch(path, data, Nulls::absent);
      if (!patch) return patch.error();
      Result<TaskFields> fields = to_fields(path, std::move(*patch));
      if (!fields) return fields.error();
      return TaskEvent{TaskCreated{std::move(*fields)}};
    }
    case EventType::task_updated: {
      Result<TaskPatch> patch = read_patch(path, data, Nulls::clear);
      if (!patch) return patch.error();
      if (patch->empty()) return fault(kFields / "data", "must have at least one field");
      return TaskEvent{TaskUpdated{std::move(*patch)}};
    }
    case EventType::task_completed:
      return read_completed(path, data);
    case EventType::task_reopened:
      return read_empty(path, data, TaskReopened{});
    case EventType::task_deleted:
      return read_empty(path, data, TaskDeleted{});
    case EventType::task_restored:
      return read_empty(path, data, TaskRestored{});
    case EventType::task_erased:
      return read_empty(path, data, TaskErased{});
  }
  return Invalid{"Event type is unknown"};
}

Result<TaskEvent> parse_event_data(EventType type, std::string_view json) {
  if (auto event = read_canonical_event(type, json)) return *std::move(event);
  return json::read_event_text(type, json);
}

Result<TaskEvent> json::read_event_text(EventType type, std::string_view json) {
  const Document document(json);
  Object data;
  if (!document.root()) return Invalid{"Event data " + std::string(document.requirement())};
  if (document.root()->get_object().get(data) != simdjson::SUCCESS) return Invalid{"Event data must be a JSON object"};
  return read_event_data(kFields, type, data);
}

}  // namespace taskledger
