#include "projections/list/list_row.h"

#include "projections/image/cells.h"
#include "projections/image/image.h"
#include "projections/row_bytes.h"

namespace taskledger::projections {

namespace {
constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kAssigned = 1, kCompletedBy = 2;

std::uint8_t code_of(const auto& member) { return member ? static_cast<std::uint8_t>(*member) : 0; }
std::int64_t ms_of(const std::optional<Timestamp>& time) { return time ? time->ms : kNoTime; }
void read_time(std::optional<Timestamp>& time, std::int64_t ms) {
  time = ms == kNoTime ? std::nullopt : std::optional(Timestamp{ms});
}
}  // namespace

std::string list_key(WorkspaceNumber workspace) {
  std::string key;
  put_big(key, workspace.value);
  return key;
}

std::string list_key(WorkspaceNumber workspace, const TaskId& task) {
  std::string key;
  append_list_key(key, workspace, task);
  return key;
}

void append_list_key(std::string& out, WorkspaceNumber workspace, const TaskId& task) {
  put_big(out, workspace.value);
  put_uuid(out, task.value);
}

std::string list_value(const Task& task) {
  std::string out;
  out.reserve(128 + task.fields.title.size() + task.fields.links.size() * 17);
  append_list_value(out, task);
  return out;
}

void append_list_value(std::string& out, const Task& task) {
  const TaskFields& fields = task.fields;
  put_little(out, kFormat);
  put_little(out, task.version.value);
  put_little(out, cell_of(facets_of(task)));
  put_little(out,
             static_cast<std::uint8_t>((fields.assigned_to ? kAssigned : 0) | (task.completed_by ? kCompletedBy : 0)));
  put_little(out, ms_of(fields.due_date));
  put_little(out, task.created_at.ms);
  put_little(out, task.updated_at.ms);
  put_little(out, ms_of(task.completed_at));
  put_uuid(out, task.created_by.value);
  if (fields.assigned_to) put_uuid(out, fields.assigned_to->value);
  if (task.completed_by) put_uuid(out, task.completed_by->value);
  put_little(out, static_cast<std::uint16_t>(fields.title.size()));
  out += fields.title;
  put_little(out, static_cast<std::uint8_t>(fields.links.size()));
  for (const Link& link : fields.links) {
    put_uuid(out, link.id.value);
    put_little(out, static_cast<std::uint8_t>(link.type));
  }
}

bool read_list_row(std::string_view key, std::string_view value, Task& task) {
  if (key.size() != 20) return false;
  RowReader id(key.substr(4));
  task.id = {id.uuid()};
  return read_list_value(value, task);
}

bool read_list_value(std::string_view value, Task& task) {
  RowReader in(value);
  if (in.little<std::uint8_t>() != kFormat) return false;
  task.lifecycle = Lifecycle::live;
  task.version = {in.little<std::uint32_t>()};
  const auto cell = in.little<std::uint16_t>();
  if (cell >= kCells) return false;
  const Facets facets = facets_of(cell);
  const auto flags = in.little<std::uint8_t>();
  TaskFields& fields = task.fields;
  fields.priority = facets.priority != 0 ? std::optional(static_cast<Priority>(facets.priority)) : std::nullopt;
  fields.action_type =
      facets.action_type != 0 ? std::optional(static_cast<ActionType>(facets.action_type)) : std::nullopt;
  read_time(fields.due_date, in.little<std::int64_t>());
  task.created_at = {in.little<std::int64_t>()};
  task.updated_at = {in.little<std::int64_t>()};
  read_time(task.completed_at, in.little<std::int64_t>());
  task.created_by = {in.uuid()};
  fields.assigned_to = (flags & kAssigned) != 0 ? std::optional(UserId{in.uuid()}) : std::nullopt;
  task.completed_by = (flags & kCompletedBy) != 0 ? std::optional(UserId{in.uuid()}) : std::nullopt;
  fields.title = in.take(in.little<std::uint16_t>());
  fields.links.resize(in.little<std::uint8_t>());
  for (Link& link : fields.links) {
    link.id = {in.uuid()};
    const auto type = in.little<std::uint8_t>();
    if (type < 1 || type > 3) return false;
    link.type = static_cast<EntityType>(type);
  }
  return in.done();
}

ListFacts list_facts(std::string_view value) {
  RowReader in(value);
  in.take(sizeof kFormat + sizeof(std::uint32_t));
  ListFacts facts;
  facts.cell = in.little<std::uint16_t>();
  facts.assigned = (in.little<std::uint8_t>() & kAssigned) != 0;
  facts.due = in.little<std::int64_t>();
  in.take(2 * sizeof(std::int64_t));
  facts.completed = in.little<std::int64_t>();
  in.take(16);
  if (facts.assigned) facts.assignee = in.uuid();
  return facts;
}

std::string list_summary_value(const ListSummary& summary) {
  std::string out;
  put_little(out, kFormat);
  put_little(out, summary.position.value);
  put_little(out, summary.tasks);
  return out;
}

bool read_list_summary(std::string_view value, ListSummary& summary) {
  RowReader in(value);
  if (in.little<std::uint8_t>() != kFormat) return false;
  summary.position = {in.little<std::uint64_t>()};
  summary.tasks = in.little<std::uint32_t>();
  return in.done();
}

}  // namespace taskledger::projections
