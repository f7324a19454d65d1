#include "projections/changed_rows.h"

#include <utility>

#include "projections/list/list_row.h"
#include "projections/mode/mode_row.h"

namespace taskledger::projections {

// What of a task `mode` and `stats` are made of; a user is a null or an id.
struct ChangedRows::State {
  bool present = false;
  const Uuid* assignee = nullptr;
  std::int64_t due = kNoTime, completed = kNoTime;
};

namespace {
const Uuid* user(const Image& image, std::uint32_t number) {
  return number == kNoUser ? nullptr : &image.users[number].id;
}
}  // namespace

void ChangedRows::count(WorkspaceNumber workspace, const State& state, std::uint32_t by) {
  if (!state.present) return;
  const bool completed = state.completed != kNoTime;
  auto& total = stats[stats_counter(workspace, state.assignee)];
  total[0] += by;
  if (completed) total[1] += by;
  const auto of_day = [&](std::int64_t time) -> auto& {
    return stats[stats_counter(workspace, state.assignee, utc_day(time))];
  };
  if (state.due != kNoTime) of_day(state.due)[completed ? 1 : 0] += by;
  if (completed) of_day(state.completed)[2] += by;
}

void ChangedRows::add_task(Image& image, WorkspaceNumber workspace, const Uuid& id, const Baseline& baseline) {
  const State before{baseline.present, user(image, baseline.assignee), baseline.due, baseline.completed};
  const Task* task = nullptr;
  if (const auto then = image.frozen.then.find(id); then != image.frozen.then.end()) {
    if (then->second) task = &*then->second;
  } else if (const auto row = image.find(id)) {
    image.read_task(*row, task_);
    task = &task_;
  }
  State now;
  if (task != nullptr) {
    now.present = true;
    if (task->fields.assigned_to) now.assignee = &task->fields.assigned_to->value;
    if (task->fields.due_date) now.due = task->fields.due_date->ms;
    if (task->completed_at) now.completed = task->completed_at->ms;
  }
  count(workspace, before, static_cast<std::uint32_t>(-1));
  count(workspace, now, 1);
  const auto same = [](const Uuid* a, const Uuid* b) { return a == b || (a != nullptr && b != nullptr && *a == *b); };
  const bool moved = !now.present || !same(now.assignee, before.assignee) || now.due != before.due;
  const auto key_in_list = [&](std::string& out) { append_list_key(out, workspace, {id}); };
  const auto key_in_mode = [&](const State& state) {
    return [&](std::string& out) { append_mode_key(out, workspace, state.assignee, state.due, id); };
  };
  if (before.present && moved) mode.remove(key_in_mode(before));
  if (now.present) {
    mode.put(key_in_mode(now), [&](std::string& out) { append_mode_value(out, cell_of(facets_of(*task))); });
    list.put(key_in_list, [&](std::string& out) { append_list_value(out, *task); });
  } else if (before.present) {
    list.remove(key_in_list);
  }
}

bool ChangedRows::add_some(Image& image, WorkspaceNumber workspace, std::size_t count) {
  auto& [changed, then] = image.frozen;
  for (; count != 0 && !changed.empty(); --count) {
    const auto& [task, before] = changed.take_first();
    add_task(image, workspace, task, before);
  }
  if (!changed.empty()) return true;
  changed = {};
  then.clear();
  return false;
}

void ChangedRows::add_summary(WorkspaceNumber workspace, WorkspacePosition position, std::uint32_t tasks) {
  list.put(list_key(workspace), list_summary_value({position, tasks}));
}

}  // namespace taskledger::projections
