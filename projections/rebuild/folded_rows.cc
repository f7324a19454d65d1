// The rows of each projection from what was folded, in key order.
#include <algorithm>
#include <memory>
#include <unordered_map>

#include "projections/list/list_row.h"
#include "projections/mode/mode_row.h"
#include "projections/rebuild/cuts.h"
#include "projections/rebuild/folded_state.h"
#include "projections/stats/stats_row.h"

namespace taskledger::projections {

namespace {

constexpr std::size_t kAhead = 8;  // rows between the steps of asking memory for a task

// Of the tasks `from` to `to` in the order, and of the workspaces that begin there; what comes before a task, of a
// workspace without any, goes with it.
template <class State>
RowSource list_rows(const State& state, std::size_t from, std::size_t to) {
  struct Walk {
    decltype(state.workspaces.begin()) workspace;
    std::size_t at = 0;
    std::uint32_t left = 0;  // tasks of the workspace
  };
  const auto& order = state.order;
  const auto tasks_left = [&order](std::size_t at, WorkspaceNumber number) {
    const auto start = order.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = std::upper_bound(start, order.end(), number.value,
                                      [](std::uint32_t of, const TaskRef& ref) { return of < ref.workspace; });
    return static_cast<std::uint32_t>(end - start);
  };
  Walk walk{state.workspaces.begin(), from, 0};
  if (from != 0) {
    const WorkspaceNumber before{order[from - 1].workspace};
    walk.workspace = state.workspaces.upper_bound(before);
    walk.left = tasks_left(from, before);
  }
  return [walk, to, tasks_left, &state](std::string& key, std::string& value) mutable {
    const auto& order = state.order;
    if (walk.at == to && to != order.size()) return false;
    if (walk.left != 0) {
      if (walk.at + 2 * kAhead < to) state.prefetch_entry(order[walk.at + 2 * kAhead]);
      if (walk.at + kAhead < to) state.prefetch_row(order[walk.at + kAhead]);
      const TaskRef& ref = order[walk.at++];
      --walk.left;
      key.clear();
      append_list_key(key, {ref.workspace}, {state.entry(ref).id});
      value = state.row(ref);
      return true;
    }
    if (walk.workspace == state.workspaces.end()) return false;
    const auto& [number, position] = *walk.workspace;
    walk.left = tasks_left(walk.at, number);
    key = list_key(number);
    value = list_summary_value({position, walk.left});
    ++walk.workspace;
    return true;
  };
}

// Of the tasks of the holders `from` to `to`.
template <class State>
RowSource mode_rows(const State& state, std::size_t from, std::size_t to) {
  struct Due {
    std::int64_t due;
    std::uint32_t holder, at;  // at: in the order of `list`, which is that of ids
    std::uint16_t cell;
    bool operator<(const Due& other) const {
      return std::tie(holder, due, at) < std::tie(other.holder, other.due, other.at);
    }
  };
  struct Walk {
    std::vector<Due> sorted;
    std::size_t at = 0;
  };
  auto walk = std::make_shared<Walk>();
  const auto is_meant = [from, to](const TaskFacts& facts) { return from <= facts.holder && facts.holder < to; };
  walk->sorted.reserve(static_cast<std::size_t>(std::count_if(state.facts.begin(), state.facts.end(), is_meant)));
  for (std::size_t i = 0; i < state.order.size(); ++i) {
    const TaskFacts& facts = state.facts[i];
    if (is_meant(facts)) walk->sorted.push_back({facts.due, facts.holder, static_cast<std::uint32_t>(i), facts.cell});
  }
  std::sort(walk->sorted.begin(), walk->sorted.end());
  return [walk, &state](std::string& key, std::string& value) {
    if (walk->at == walk->sorted.size()) return false;
    if (walk->at + 2 * kAhead < walk->sorted.size()) state.prefetch_ref(walk->sorted[walk->at + 2 * kAhead].at);
    if (walk->at + kAhead < walk->sorted.size()) state.prefetch_entry(state.order[walk->sorted[walk->at + kAhead].at]);
    const Due& due = walk->sorted[walk->at++];
    const TaskRef& ref = state.order[due.at];
    key.clear();
    value.clear();
    append_mode_key(key, {ref.workspace}, state.holders[due.holder].pointer(), due.due, state.entry(ref).id);
    append_mode_value(value, due.cell);
    return true;
  };
}

template <class State>
RowSource stats_rows(const State& state) {
  struct OfHolder {
    TotalCounts total;
    std::unordered_map<std::uint32_t, DayCounts> days;
  };
  std::vector<OfHolder> counted(state.holders.size());
  for (const TaskFacts& facts : state.facts) {
    OfHolder& mine = counted[facts.holder];
    const bool completed = facts.completed != kNoTime;
    ++mine.total.tasks;
    mine.total.completed += completed;
    if (facts.due != kNoTime) {
      DayCounts& day = mine.days[utc_day(facts.due)];
      ++(completed ? day.due_completed : day.due_open);
    }
    if (completed) ++mine.days[utc_day(facts.completed)].completed;
  }
  using Row = std::pair<std::string, std::string>;
  auto rows = std::make_shared<std::vector<Row>>();
  for (std::size_t i = 0; i < counted.size(); ++i) {
    const Holder& holder = state.holders[i];
    rows->emplace_back(stats_key(holder.workspace, holder.pointer()), stats_value(counted[i].total));
    for (const auto& [day, counts] : counted[i].days)
      rows->emplace_back(stats_key(holder.workspace, holder.pointer(), day), stats_value(counts));
  }
  std::sort(rows->begin(), rows->end());
  return [rows, at = std::size_t{0}](std::string& key, std::string& value) mutable {
    if (at == rows->size()) return false;
    std::tie(key, value) = std::move((*rows)[at++]);
    return true;
  };
}

}  // namespace

RowSource FoldedLog::rows(std::string_view projection) const {
  if (projection == kNotificationsProjection) return state_->notifications.rows();
  if (projection == kListProjection) return list_rows(*state_, 0, state_->order.size());
  return projection == kModeProjection ? mode_rows(*state_, 0, state_->holders.size()) : stats_rows(*state_);
}

std::vector<std::function<RowSource()>> FoldedLog::parts(std::string_view projection, std::size_t least) const {
  // So that no thread waits long for another at the end.
  const auto wanted = [most = state_->team.size() * std::size_t{4}, least](std::size_t rows) {
    return std::clamp<std::size_t>(rows / least, 1, most);
  };
  const std::size_t tasks = state_->order.size();
  std::vector<std::function<RowSource()>> parts;
  if (projection == kNotificationsProjection) {
    const FoldedNotifications& all = state_->notifications;
    for (auto& part : all.parts(wanted(all.size()))) parts.emplace_back(std::move(part));
  } else if (projection == kListProjection) {
    const std::size_t count = wanted(tasks);
    for (std::size_t i = 0; i < count; ++i) {
      parts.emplace_back(
          [this, from = tasks * i / count, to = tasks * (i + 1) / count] { return list_rows(*state_, from, to); });
    }
  } else if (projection == kModeProjection) {
    std::vector<std::size_t> tasks_of(state_->holders.size());
    for (const TaskFacts& facts : state_->facts) ++tasks_of[facts.holder];
    std::size_t from = 0;
    for (const std::size_t to : cuts(tasks_of, wanted(tasks))) {
      parts.emplace_back([this, from, to] { return mode_rows(*state_, from, to); });
      from = to;
    }
  } else {
    parts.emplace_back([this] { return stats_rows(*state_); });
  }
  return parts;
}

}  // namespace taskledger::projections
