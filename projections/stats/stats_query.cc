#include "projections/stats/stats_query.h"

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
  const auto place = [](const OrderTree& tree, const Column<std::int64_t>& times, Timestamp at) {
    return tree.partition([&, ms = at.ms](Row row) { return times[row] < ms; });
  };
  static const CellSet kOpen(FacetFilter{.completed = false, .priority = {}, .action_type = {}, .link_type = {}});
  const auto open_before = [&](Timestamp from, Timestamp to) {
    if (from >= to) return std::uint64_t{0};
    return by_due->count(place(*by_due, image.due, from), place(*by_due, image.due, to), kOpen, image.cell.data());
  };
  Stats stats;
  stats.total = by_due->size();
  stats.completed = by_completed->size();
  stats.completed_today = by_completed->count(place(*by_completed, image.completed, query.day.begin),
                                              place(*by_completed, image.completed, query.day.end));
  stats.remaining_today = open_before(query.day.begin, query.day.end);
  stats.overdue = open_before({std::numeric_limits<std::int64_t>::min()}, query.now);
  stats.this_week =
      by_due->count(place(*by_due, image.due, query.week.begin), place(*by_due, image.due, query.week.end));
  return stats;
}

}  // namespace taskledger::projections
