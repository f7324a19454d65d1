// The rows of each projection from what was folded, in key order.
#include <algorithm>
#include <memory>
#include <unordered_map>

#include "projections/list/list_row.h"
#include "projections/mode/mode_row.h"
#include "projections/rebuild/folded_state.h"
#include "projections/stats/stats_row.h"

namespace taskledger::projections {

namespace {

constexpr std::size_t kAhead = 8;  // rows between the steps of asking memory for a task

template <class State>
RowSource list_rows(const State& state) {
  struct Walk {
    decltype(state.workspaces.begin()) workspace;
    std::size_t at = 0;
    std::uint32_t left = 0;  // tasks of the workspace
  };
  auto walk = std::make_shared<Walk>();
  walk->workspace = state.workspaces.begin();
  return [walk, &state](std::string& key, std::string& value) {
    if (walk->left != 0) {
      if (walk->at + 2 * kAhead < state.order.size()) state.prefetch_entry(state.order[walk->at + 2 * kAhead]);
      if (walk->at + kAhead < state.order.size()) state.prefetch_row(state.order[walk->at + kAhead]);
      const TaskRef& ref = state.order[walk->at++];
      --walk->left;
      key = list_key({ref.workspace}, {state.entry(ref).id});
      value = state.row(ref);
      return true;
    }
    if (walk->workspace == state.workspaces.end()) return false;
    const auto& [number, position] = *walk->workspace;
    const auto end =
        std::upper_bound(state.order.begin() + static_cast<std::ptrdiff_t>(walk->at), state.order.end(), number.value,
                         [](std::uint32_t of, const TaskRef& ref) { return of < ref.workspace; });
    walk->left = static_cast<std::uint32_t>(end - state.order.begin() - static_cast<std::ptrdiff_t>(walk->at));
    key = list_key(number);
    value = list_summary_value({position, walk->left});
    ++walk->workspace;
    return true;
  };
}

template <class State>
RowSource mode_rows(const State& state) {
  struct Due {
    std::int64_t due;
    std::uint32_t holder, at;  // at: in the order of `list`, which is that of ids
    bool operator<(const Due& other) const {
      return std::tie(holder, due, at) < std::tie(other.holder, other.due, other.at);
    }
  };
  struct Walk {
    std::vector<Due> sorted;
    std::size_t at = 0;
  };
  auto walk = std::make_shared<Walk>();
  walk->sorted.reserve(state.order.size());
  for (std::size_t i = 0; i < state.order.size(); ++i) {
    const TaskFacts& facts = state.facts[i];
    walk->sorted.push_back({facts.due, facts.holder, static_cast<std::uint32_t>(i)});
  }
  std::sort(walk->sorted.begin(), walk->sorted.end());
  return [walk, &state](std::string& key, std::string& value) {
    if (walk->at == walk->sorted.size()) return false;
    if (walk->at + kAhead < walk->sorted.size()) state.prefetch_entry(state.order[walk->sorted[walk->at + kAhead].at]);
    const Due& due = walk->sorted[walk->at++];
    const TaskRef& ref = state.order[due.at];
    key.clear();
    value.clear();
    append_mode_key(key, {ref.workspace}, state.holders[due.holder].pointer(), due.due, state.entry(ref).id);
    append_mode_value(value, state.facts[due.at].cell);
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
  if (projection == kListProjection) return list_rows(*state_);
  return projection == kModeProjection ? mode_rows(*state_) : stats_rows(*state_);
}

std::vector<std::function<RowSource()>> FoldedLog::parts(std::string_view projection) const {
  if (projection != kNotificationsProjection) {
    return {[this, name = std::string(projection)] { return rows(name); }};
  }
  return {[this] { return state_->notifications.halves().first; },
          [this] { return state_->notifications.halves().second; }};
}

}  // namespace taskledger::projections
