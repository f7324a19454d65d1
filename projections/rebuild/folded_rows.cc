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

// An assignee (or nobody) of a workspace.
struct Holder {
  WorkspaceNumber workspace;
  bool nobody = false;
  Uuid user;
  friend auto operator<=>(const Holder&, const Holder&) = default;
  [[nodiscard]] const Uuid* pointer() const { return nobody ? nullptr : &user; }
};
struct HashOfHolder {
  std::size_t operator()(const Holder& holder) const {
    return std::hash<Uuid>{}(holder.user) ^ (std::size_t{holder.workspace.value} * 0x9e3779b97f4a7c15ull) ^
           holder.nobody;
  }
};
Holder holder_of(const TaskRef& ref, const ListFacts& facts) {
  return {{ref.workspace}, !facts.assigned, facts.assignee};
}

// All assignees in key order, and the place of each.
class Holders {
 public:
  template <class State>
  explicit Holders(const State& state) {
    for (const TaskRef& ref : state.order) ranks_.try_emplace(holder_of(ref, list_facts(state.row(ref))), 0);
    for (const auto& [holder, rank] : ranks_) sorted_.push_back(holder);
    std::sort(sorted_.begin(), sorted_.end());
    for (std::size_t i = 0; i < sorted_.size(); ++i) ranks_[sorted_[i]] = static_cast<std::uint32_t>(i);
  }
  [[nodiscard]] std::uint32_t rank(const Holder& holder) const { return ranks_.find(holder)->second; }
  [[nodiscard]] const Holder& operator[](std::size_t rank) const { return sorted_[rank]; }
  [[nodiscard]] std::size_t size() const { return sorted_.size(); }

 private:
  std::unordered_map<Holder, std::uint32_t, HashOfHolder> ranks_;
  std::vector<Holder> sorted_;
};

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
    explicit Walk(const State& of) : holders(of) {}
    Holders holders;
    std::vector<Due> sorted;
    std::size_t at = 0;
  };
  auto walk = std::make_shared<Walk>(state);
  walk->sorted.reserve(state.order.size());
  for (std::size_t i = 0; i < state.order.size(); ++i) {
    const ListFacts facts = list_facts(state.row(state.order[i]));
    walk->sorted.push_back(
        {facts.due, walk->holders.rank(holder_of(state.order[i], facts)), static_cast<std::uint32_t>(i)});
  }
  std::sort(walk->sorted.begin(), walk->sorted.end());
  return [walk, &state](std::string& key, std::string& value) {
    if (walk->at == walk->sorted.size()) return false;
    const Due& due = walk->sorted[walk->at++];
    const TaskRef& ref = state.order[due.at];
    key = mode_key({ref.workspace}, walk->holders[due.holder].pointer(), due.due, state.entry(ref).id);
    value = mode_value(list_facts(state.row(ref)).cell);
    return true;
  };
}

template <class State>
RowSource stats_rows(const State& state) {
  struct OfHolder {
    TotalCounts total;
    std::unordered_map<std::uint32_t, DayCounts> days;
  };
  std::unordered_map<Holder, OfHolder, HashOfHolder> counted;
  for (const TaskRef& ref : state.order) {
    const ListFacts facts = list_facts(state.row(ref));
    OfHolder& mine = counted[holder_of(ref, facts)];
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
  for (const auto& [holder, mine] : counted) {
    rows->emplace_back(stats_key(holder.workspace, holder.pointer()), stats_value(mine.total));
    for (const auto& [day, counts] : mine.days)
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
