#include "projections/stats/stats_changes.h"

#include <string>

namespace taskledger::projections {

namespace {

constexpr std::size_t kMaxKept = 200'000;
using Counts = StatsCounts::mapped_type;

std::string key_of(const StatsCounter& of) {
  const Uuid* user = of.nobody ? nullptr : &of.user;
  return of.day == StatsCounter::kTotal ? stats_key(of.workspace, user) : stats_key(of.workspace, user, of.day);
}

bool read_counts(const StatsCounter& of, std::string_view value, Counts& counts) {
  if (of.day == StatsCounter::kTotal) {
    TotalCounts total;
    if (!read_stats(value, total)) return false;
    counts = {total.tasks, total.completed, 0};
    return true;
  }
  DayCounts day;
  if (!read_stats(value, day)) return false;
  counts = {day.due_open, day.due_completed, day.completed};
  return true;
}

std::string value_of(const StatsCounter& of, const Counts& counts) {
  return of.day == StatsCounter::kTotal ? stats_value(TotalCounts{counts[0], counts[1]})
                                        : stats_value(DayCounts{counts[0], counts[1], counts[2]});
}

}  // namespace

StatsCounter stats_counter(WorkspaceNumber workspace, const Uuid* user, std::uint32_t day) {
  return {workspace, user == nullptr, user == nullptr ? Uuid{} : *user, day};
}

Result<storage::RowChanges, storage::ReadError> WrittenStats::add(const StatsCounts& differences,
                                                                  const storage::ViewStore& views,
                                                                  std::uint64_t generation) {
  if (generation != generation_ || counts_.size() > kMaxKept) counts_.clear();
  generation_ = generation;
  storage::RowChanges rows;
  for (const auto& [counter, difference] : differences) {
    if (difference == Counts{}) continue;
    const std::string key = key_of(counter);
    const auto [known, fresh] = counts_.try_emplace(counter);
    Counts& counts = known->second;
    if (fresh) {
      const auto held = views.get(kStatsProjection, generation, key);
      if (!held) return held.error();
      if (*held && !read_counts(counter, **held, counts)) return storage::ReadError{"views: a row of stats is damaged"};
    }
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += difference[i];
    const std::string value = value_of(counter, counts);
    value.empty() ? rows.remove(key) : rows.put(key, value);
  }
  return rows;
}

}  // namespace taskledger::projections
