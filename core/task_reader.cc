#include "core/task_reader.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace taskledger::json {
namespace {

Result<std::string> read_title(const Path& path, const Element& value) {
  const Result<std::string_view> text = read_string(path, value);
  if (!text) return text.error();
  if (is_plain_title(*text)) return {boost::system::in_place_value, *text};
  const std::string_view title = trim(*text);
  if (has_control(title)) return fault(path, "must not contain control characters");
  if (title.empty() || code_points(title) > kMaxTitleCharacters) return fault(path, "must be 1 to 500 characters long");
  return {boost::system::in_place_value, title};
}

Result<Timestamp> read_due(const Path& path, const Element& value, const TimeZone& zone) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) {
    if (const std::optional<Timestamp> time = read_rfc3339(text)) return *time;
    if (const std::optional<TimeInput> time = parse_time(text, zone)) return time->as_due();
  }
  return fault(path, "must be a date or a date-time (RFC 3339)");
}

Result<Link> read_link(const Path& path, const Element& value) {
  Object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return fault(path, "must be an object");
  static constexpr std::array<std::string_view, 2> kNames = {"id", "type"};
  Link link{};
  std::uint64_t seen = 0;
  const Result<void> read = read_object(
      path, object, kNames, seen, [&](std::size_t index, const Path& at, const Element& field) -> Result<void> {
        if (index == 0) {
          const Result<Uuid> id = read_uuid(at, field);
          if (!id) return id.error();
          link.id = {*id};
        } else {
          const Result<EntityType> type = read_member(at, field, parse_entity_type, kEntityTypeNames);
          if (!type) return type.error();
          link.type = *type;
        }
        return {};
      });
  if (!read) return read.error();
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (!(seen >> i & 1)) return fault(path / kNames[i], "is required");
  }
  return link;
}

// A set: a link given again is dropped, the first one keeps its place.
Result<std::vector<Link>> read_links(const Path& path, const Element& value) {
  Array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return fault(path, "must be an array");
  std::vector<Link> links;
  std::size_t index = 0;
  for (const Element& item : array) {
    if (index == kMaxLinks) return fault(path, "must have at most 100 items");
    const Path at = path[index++];
    const Result<Link> link = read_link(at, item);
    if (!link) return link.error();
    if (std::find(links.begin(), links.end(), *link) == links.end()) links.push_back(*link);
  }
  return links;
}

template <class T, class Out>
Result<void> store(Result<T>&& read, Out& out) {
  if (!read) return read.error();
  out = std::move(*read);
  return {};
}

}  // namespace

bool is_plain_title(std::string_view text) {
  if (text.empty() || text.size() > kMaxTitleCharacters || text.front() == ' ' || text.back() == ' ') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

Result<void> read_task_field(std::size_t index, const Path& path, const Element& value, Nulls nulls,
                             const TimeZone& zone, TaskPatch& patch) {
  const bool null = value.is_null();
  if (null && nulls == Nulls::absent) return {};
  switch (index) {
    case kTitleField:
      if (null) return fault(path, "cannot be cleared");
      return store(read_title(path, value), patch.title);
    case 1:
      patch.due_date.emplace();
      return null ? Result<void>{} : store(read_due(path, value, zone), *patch.due_date);
    case 2:
      patch.priority.emplace();
      return null ? Result<void>{} : store(read_member(path, value, parse_priority, kPriorityNames), *patch.priority);
    case 3:
      patch.action_type.emplace();
      return null ? Result<void>{}
                  : store(read_member(path, value, parse_action_type, kActionTypeNames), *patch.action_type);
    case 4: {
      patch.assigned_to.emplace();
      if (null) return {};
      const Result<Uuid> user = read_uuid(path, value);
      if (!user) return user.error();
      *patch.assigned_to = UserId{*user};
      return {};
    }
    default:
      patch.links.emplace();
      return null ? Result<void>{} : store(read_links(path, value), *patch.links);
  }
}

Result<TaskFields> to_fields(const Path& path, TaskPatch&& patch) {
  if (!patch.title) return fault(path / kTaskFieldNames[kTitleField], "is required");
  return fields_of(std::move(patch));
}

TaskFields fields_of(TaskPatch&& patch) {
  TaskFields fields;
  fields.title = std::move(*patch.title);
  fields.due_date = patch.due_date.value_or(std::nullopt);
  fields.priority = patch.priority.value_or(std::nullopt);
  fields.action_type = patch.action_type.value_or(std::nullopt);
  fields.assigned_to = patch.assigned_to.value_or(std::nullopt);
  if (patch.links) fields.links = std::move(*patch.links);
  return fields;
}

Result<Timestamp> read_instant(const Path& path, const Element& value) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) {
    if (const std::optional<Timestamp> time = read_rfc3339(text)) return *time;
    static const TimeZone utc;
    if (const std::optional<TimeInput> time = parse_time(text, utc); time && !time->whole_day) return time->at;
  }
  return fault(path, "must be a date-time (RFC 3339)");
}

}  // namespace taskledger::json
