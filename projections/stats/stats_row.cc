#include "projections/stats/stats_row.h"

#include "projections/row_bytes.h"

namespace taskledger::projections {

std::string stats_key(WorkspaceNumber workspace, const Uuid* user) {
  std::string key;
  key.reserve(25);
  put_big(key, workspace.value);
  put_big(key, static_cast<std::uint8_t>(user == nullptr));
  put_uuid(key, user == nullptr ? Uuid{} : *user);
  return key;
}

std::string stats_key(WorkspaceNumber workspace, const Uuid* user, std::uint32_t day) {
  std::string key = stats_key(workspace, user);
  put_big(key, day);
  return key;
}

bool read_stats(std::string_view value, TotalCounts& counts) {
  RowReader in(value);
  counts.tasks = in.little<std::uint32_t>();
  counts.completed = in.little<std::uint32_t>();
  return in.done();
}

bool read_stats(std::string_view value, DayCounts& counts) {
  RowReader in(value);
  counts.due_open = in.little<std::uint32_t>();
  counts.due_completed = in.little<std::uint32_t>();
  counts.completed = in.little<std::uint32_t>();
  return in.done();
}

std::string stats_value(const TotalCounts& counts) {
  std::string value;
  if (counts.tasks == 0 && counts.completed == 0) return value;
  put_little(value, counts.tasks);
  put_little(value, counts.completed);
  return value;
}

std::string stats_value(const DayCounts& counts) {
  std::string value;
  if (counts.due_open == 0 && counts.due_completed == 0 && counts.completed == 0) return value;
  put_little(value, counts.due_open);
  put_little(value, counts.due_completed);
  put_little(value, counts.completed);
  return value;
}

}  // namespace taskledger::projections
