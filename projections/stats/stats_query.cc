#include "projections/stats/stats_query.h"

#include "projections/image/keys.h"

namespace taskledger::projections {

Stats answer_stats(const Image& image, const StatsQuery& query) {
  const OrderTree* by_due = &image.by_due;
  const OrderTree* by_completed = &image.by_completed;
  if (query.user) {
    const auto user = image.user_number(query.user->value);
    if (!user) return {};
    by_due = &image.of_user[*user].by_due;
    by_completed = &image.of_user[*user].by_completed;
  }
  const auto between = [](const OrderTree& tree, const TimeRange& range) {
    return tree.count(not_before(tree, range.begin.ms), not_before(tree, range.end.ms));
  };
  static const CellSet kOpen(FacetFilter{.completed = false, .priority = {}, .action_type = {}, .link_type = {}});
  const auto open_before = [&](Timestamp from, Timestamp to) {
    if (from >= to) return std::uint64_t{0};
    return by_due->count(not_before(*by_due, from.ms), not_before(*by_due, to.ms), kOpen, image.cell.data());
  };
  Stats stats;
  stats.total = by_due->size();
  stats.completed = by_completed->size();
  stats.completed_today = between(*by_completed, query.day);
  stats.remaining_today = open_before(query.day.begin, query.day.end);
  stats.overdue = open_before({std::numeric_limits<std::int64_t>::min()}, query.now);
  stats.this_week = between(*by_due, query.week);
  return stats;
}

Stats answer_stats_from_columns(const Image& image, const StatsQuery& query) {
  Stats stats;
  std::optional<std::uint32_t> user;
  if (query.user && !(user = image.user_number(query.user->value))) return stats;
  // Null times are beyond every range's end.
  const auto within = [](std::int64_t time, const TimeRange& range) {
    return range.begin.ms <= time && time < range.end.ms;
  };
  for (Row row = 0; row < image.rows(); ++row) {
    if (!image.is_live(row) || (user && image.assignee[row] != *user)) continue;
    const std::int64_t due = image.due[row];
    const bool completed = image.completed[row] != kNoTime;
    ++stats.total;
    stats.completed += completed;
    stats.completed_today += within(image.completed[row], query.day);
    stats.remaining_today += !completed && within(due, query.day);
    stats.overdue += !completed && due < query.now.ms;
    stats.this_week += within(due, query.week);
  }
  return stats;
}

}  // namespace taskledger::projections
