// append_event_line and parse_event_line, declared in core/event.h: the event line of export, import, history and feed.
#include <array>
#include <utility>

#include "core/event.h"
#include "core/event_reader.h"
#include "core/json_reader.h"
#include "core/json_writer.h"
#include "core/task_reader.h"

namespace taskledger {
namespace {

using namespace json;

constexpr std::array<std::string_view, 9> kLineKeys = {"position", "id",   "workspace_id", "task_id", "version",
                                                       "type",     "time", "actor",        "data"};
constexpr std::array<std::size_t, 4> kRequiredKeys = {3, 5, 6, 7};  // what an import needs of them, beside `data`

Result<void> read_line_key(std::size_t index, const Path& at, const Element& value, ImportedEvent& line,
                           std::optional<Object>& data) {
  const auto uuid = [&](auto& out) -> Result<void> {
    const Result<Uuid> read = read_uuid(at, value);
    if (!read) return read.error();
    out = {*read};
    return {};
  };
  const bool null = value.is_null();
  switch (index) {
    case 0:
      if (!null) {
        if (const auto count = read_count(at, value, UINT64_MAX); !count) return count.error();
      }
      return {};
    case 1:
      return null ? Result<void>{} : uuid(line.id.emplace());
    case 2: {
      WorkspaceId ignored;
      return null ? Result<void>{} : uuid(ignored);
    }
    case 3:
      return uuid(line.task_id);
    case 4: {
      if (null) return {};
      const Result<std::uint64_t> version = read_count(at, value, UINT32_MAX);
      if (!version) return version.error();
      line.version = Version{static_cast<std::uint32_t>(*version)};
      return {};
    }
    case 5: {
      const Result<EventType> type = read_member(at, value, parse_event_type, kEventTypeNames);
      if (!type) return type.error();
      line.type = *type;
      return {};
    }
    case 6: {
      const Result<Timestamp> time = read_instant(at, value);
      if (!time) return time.error();
      line.time = *time;
      return {};
    }
    case 7:
      return uuid(line.actor);
    default: {
      Object object;
      if (value.get_object().get(object) != simdjson::SUCCESS) return fault(at, "must be an object");
      data = object;
      return {};
    }
  }
}

}  // namespace

void append_event_line(std::string& out, const EventHeader& header, std::optional<std::string_view> data,
                       std::string_view extra) {
  ObjectWriter line(out);
  line.key("position") += std::to_string(header.position.value);
  append_value(line.key("id"), header.id);
  append_value(line.key("workspace_id"), header.workspace_id);
  append_value(line.key("task_id"), header.task_id);
  line.key("version") += std::to_string(header.version.value);
  append_value(line.key("type"), header.type);
  append_value(line.key("time"), header.time);
  append_value(line.key("actor"), header.actor);
  if (data) line.key("data") += *data;
  out += extra;
  line.end();
}

void append_changes_json(std::string& out, const Task& before, const TaskPatch& patch) {
  out += '[';
  bool first = true;
  const auto change = [&](std::string_view field, const auto& from, const auto& to) {
    if (!to) return;
    if (!first) out += ',';
    first = false;
    ObjectWriter object(out);
    append_value(object.key("field"), std::string(field));
    append_value(object.key("from"), from);
    append_value(object.key("to"), *to);
    object.end();
  };
  const TaskFields& fields = before.fields;
  change("title", fields.title, patch.title);
  change("due_date", fields.due_date, patch.due_date);
  change("priority", fields.priority, patch.priority);
  change("action_type", fields.action_type, patch.action_type);
  change("assigned_to_id", fields.assigned_to, patch.assigned_to);
  change("linked_entities", fields.links, patch.links);
  out += ']';
}

Result<ImportedEvent> parse_event_line(std::string_view text) {
  const Document document(text);
  Object object;
  if (!document.root()) return Invalid{"Line " + std::string(document.requirement())};
  if (document.root()->get_object().get(object) != simdjson::SUCCESS) return Invalid{"Line must be a JSON object"};
  ImportedEvent line;
  std::optional<Object> data;
  std::uint64_t seen = 0;
  const Result<void> read =
      read_object(kFields, object, kLineKeys, seen, [&](std::size_t index, const Path& at, const Element& value) {
        return read_line_key(index, at, value, line, data);
      });
  if (!read) return read.error();
  for (const std::size_t key : kRequiredKeys) {
    if (!(seen >> key & 1)) return fault(kFields / kLineKeys[key], "is required");
  }
  if (!data) {  // gone with an erasure: check_import says whether this one may be
    if (line.type == EventType::task_erased) return fault(kFields / "data", "is required");
    line.event = TaskErased{};
    return line;
  }
  Result<TaskEvent> event = read_event_data(kFields / "data", line.type, *data);
  if (!event) return event.error();
  line.event = std::move(*event);
  return line;
}

}  // namespace taskledger
