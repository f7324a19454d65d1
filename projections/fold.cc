#include "projections/fold.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/task.h"
#include "projections/applier.h"
#include "projections/list/list_row.h"
#include "projections/mode/mode_row.h"
#include "projections/notifications/folded_notifications.h"
#include "projections/stats/stats_row.h"

namespace taskledger::projections {

namespace {

struct FoldedWorkspace {
  WorkspacePosition position;
  std::unordered_map<Uuid, Task> tasks;
};
using Row_ = std::pair<std::string, std::string>;

std::vector<const Task*> live_tasks(const FoldedWorkspace& workspace) {
  std::vector<const Task*> live;
  for (const auto& [id, task] : workspace.tasks) {
    if (task.lifecycle == Lifecycle::live) live.push_back(&task);
  }
  std::sort(live.begin(), live.end(), [](const Task* a, const Task* b) { return uuid_less(a->id.value, b->id.value); });
  return live;
}

const Uuid* assignee_of(const Task& task) {
  return task.fields.assigned_to ? &task.fields.assigned_to->value : nullptr;
}
std::int64_t due_of(const Task& task) { return task.fields.due_date ? task.fields.due_date->ms : kNoTime; }

std::vector<Row_> mode_rows(WorkspaceNumber number, const std::vector<const Task*>& tasks) {
  std::vector<Row_> rows;
  rows.reserve(tasks.size());
  for (const Task* task : tasks)
    rows.emplace_back(mode_key(number, assignee_of(*task), due_of(*task), task->id.value),
                      mode_value(cell_of(facets_of(*task))));
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<Row_> stats_rows(WorkspaceNumber number, const std::vector<const Task*>& tasks) {
  std::map<std::string, TotalCounts> totals;
  std::map<std::string, DayCounts> days;
  for (const Task* task : tasks) {
    TotalCounts& total = totals[stats_key(number, assignee_of(*task))];
    ++total.tasks;
    total.completed += task->is_completed();
    if (task->fields.due_date) {
      DayCounts& day = days[stats_key(number, assignee_of(*task), utc_day(due_of(*task)))];
      ++(task->is_completed() ? day.due_completed : day.due_open);
    }
    if (task->is_completed()) ++days[stats_key(number, assignee_of(*task), utc_day(task->completed_at->ms))].completed;
  }
  std::vector<Row_> rows;
  for (const auto& [key, counts] : totals) rows.emplace_back(key, stats_value(counts));
  for (const auto& [key, counts] : days) rows.emplace_back(key, stats_value(counts));
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace

struct FoldedLog::State {
  std::map<WorkspaceNumber, FoldedWorkspace> workspaces;
  FoldedNotifications notifications;
};

FoldedLog::FoldedLog() : state_(std::make_unique<State>()) {}
FoldedLog::~FoldedLog() = default;

Result<void, storage::ReadError> FoldedLog::fold(const storage::EventLog& log, Position to,
                                                 const std::function<void(Position)>& progress) {
  Result<void, storage::ReadError> folded{};
  const auto visit = [&](const storage::Record& record) {
    progress(record.position);
    if (record.workspace == kSystemWorkspace || record.type == storage::kSystemRecord) {
      folded = state_->notifications.apply_system(record);
      return folded.has_value();
    }
    FoldedWorkspace& workspace = state_->workspaces[record.workspace];
    workspace.position = record.in_workspace;
    if (static_cast<EventType>(record.type) == EventType::task_erased) {
      workspace.tasks.erase(record.stream);
      return true;
    }
    taskledger::Task& task = workspace.tasks[record.stream];
    folded = fold_record(task, record);
    if (folded) folded = state_->notifications.apply(record, task);
    return folded.has_value();
  };
  if (auto read = log.read_all({0}, to, visit); !read) return read;
  return folded;
}

RowSource FoldedLog::rows(std::string_view projection) const {
  if (projection == kNotificationsProjection) return state_->notifications.rows();
  struct Walk {
    std::map<WorkspaceNumber, FoldedWorkspace>::const_iterator next, end;
    std::vector<const Task*> tasks;  // of the workspace at hand
    std::vector<Row_> ready;
    WorkspaceNumber number;
    std::size_t at = 0;
  };
  auto walk = std::make_shared<Walk>();
  walk->next = state_->workspaces.begin();
  walk->end = state_->workspaces.end();
  if (projection == kListProjection) {
    return [walk](std::string& key, std::string& value) {
      if (walk->at < walk->tasks.size()) {
        const Task& task = *walk->tasks[walk->at++];
        key = list_key(walk->number, task.id);
        value = list_value(task);
        return true;
      }
      if (walk->next == walk->end) return false;
      walk->number = walk->next->first;
      walk->tasks = live_tasks(walk->next->second);
      walk->at = 0;
      key = list_key(walk->number);
      value = list_summary_value({walk->next->second.position, static_cast<std::uint32_t>(walk->tasks.size())});
      ++walk->next;
      return true;
    };
  }
  const auto make = projection == kModeProjection ? mode_rows : stats_rows;
  return [walk, make](std::string& key, std::string& value) {
    while (walk->at == walk->ready.size()) {
      if (walk->next == walk->end) return false;
      walk->ready = make(walk->next->first, live_tasks(walk->next->second));
      walk->at = 0;
      ++walk->next;
    }
    std::tie(key, value) = std::move(walk->ready[walk->at++]);
    return true;
  };
}

}  // namespace taskledger::projections
