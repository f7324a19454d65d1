#include "projections/notifications/notification_page.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <tuple>

#include "core/text.h"
#include "projections/applier.h"

namespace taskledger::projections {

namespace {

using Titles = std::vector<std::optional<std::string>>;

// Of each row, as it was at the event; nullopt: erased. A task's stream is read once, however many rows are its own.
Result<Titles, storage::ReadError> titles_of(const std::vector<ShownNotification>& rows, WorkspaceNumber workspace,
                                             const storage::EventLog& log) {
  std::vector<std::size_t> by_task(rows.size());
  std::iota(by_task.begin(), by_task.end(), std::size_t{0});
  std::sort(by_task.begin(), by_task.end(), [&](std::size_t a, std::size_t b) {
    return std::tie(rows[a].row.task, rows[a].row.version) < std::tie(rows[b].row.task, rows[b].row.version);
  });
  Titles titles(rows.size());
  for (auto next = by_task.begin(); next != by_task.end();) {
    const TaskId id = rows[*next].row.task;
    Task task;
    const auto is_of_it = [&] { return next != by_task.end() && rows[*next].row.task == id; };
    const auto note = [&] {
      if (!task.fields.title.empty()) titles[*next] = task.fields.title;
      ++next;
    };
    Result<void, storage::ReadError> folded{};
    auto read = log.read_stream(workspace, id.value, {1}, [&](const storage::Record& record) {
      while (is_of_it() && rows[*next].row.version < record.version) note();
      if (!is_of_it()) return false;
      folded = fold_record(task, record);
      return folded.has_value();
    });
    if (!read) return read.error();
    if (!folded) return folded.error();
    while (is_of_it()) note();
  }
  return titles;
}

}  // namespace

std::uint64_t events_behind(const std::vector<ShownNotification>& rows) {
  std::uint64_t events = 0;
  for (const auto& [row, task_deleted] : rows) events += row.version.value;
  return events;
}

Result<void, storage::ReadError> append_notifications_json(std::string& out, WorkspaceNumber workspace,
                                                           const NotificationsQuery& query,
                                                           const std::vector<ShownNotification>& rows,
                                                           const storage::EventLog& log) {
  const auto titles = titles_of(rows, workspace, log);
  if (!titles) return titles.error();
  bool first = true;
  auto title = titles->begin();
  for (const auto& [row, task_deleted] : rows) {
    out += first ? R"({"id":")" : R"(,{"id":")";
    first = false;
    append_uuid(out, notification_id(query.workspace, query.user, row.position).value);
    out.append(R"(","type":")").append(name_of(row.type)).append(R"(","task_id":")");
    append_uuid(out, row.task.value);
    out += task_deleted ? R"(","task_deleted":true,"title":)" : R"(","title":)";
    if (*title) {
      append_json_string(out, **title);
    } else {
      out += "null";
    }
    ++title;
    out += R"(,"actor":")";
    append_uuid(out, row.actor.value);
    out += R"(","created_at":")";
    append_rfc3339(out, row.time);
    out += R"(","read_at":)";
    out += row.read_at.ms == 0 ? "null" : '"' + to_rfc3339(row.read_at) + '"';
    out += '}';
  }
  return {};
}

}  // namespace taskledger::projections
