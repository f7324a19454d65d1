#include "projections/stats/stats_query.h"

#include <array>

#include "projections/image/keys.h"

namespace taskledger::projections {
namespace {

struct Remembered {
  std::uint64_t image = 0;  // its serial number: 0 is none's
  std::optional<std::uint32_t> user;
  TimeRange day, week;
  Validity validity;
  Stats stats;
};
constexpr std::size_t kRemembered = 256;

Remembered& remembered(const Image& image, std::optional<std::uint32_t> user) {
  thread_local std::array<Remembered, kRemembered> memory;
  return memory[(image.serial() * 31 + user.value_or(kNoUser)) % kRemembered];
}

}  // namespace

Stats answer_stats(const Image& image, const StatsQuery& query) {
  std::optional<std::uint32_t> user;
  if (query.user && !(user = image.user_number(query.user->value))) return {};
  const auto changed = user ? image.of_user[*user].changed : image.changed();
  Remembered& last = remembered(image, user);
  const bool same = last.image == image.serial() && last.user == user && last.day == query.day &&
                    last.week == query.week && last.validity.holds(changed, query.now);
  if (same) return last.stats;
  Validity validity;
  const Stats stats = count_stats(image, query, validity);
  last = {image.serial(), user, query.day, query.week, validity, stats};
  return stats;
}

Stats count_stats(const Image& image, const StatsQuery& query, Validity& validity) {
  const OrderTree* by_due = &image.by_due;
  const OrderTree* by_completed = &image.by_completed;
  validity.changed = image.changed();
  if (query.user) {
    const auto user = image.user_number(query.user->value);
    if (!user) return {};
    by_due = &image.of_user[*user].by_due;
    by_completed = &image.of_user[*user].by_completed;
    validity.changed = image.of_user[*user].changed;
  }
  const auto between = [](const OrderTree& tree, const TimeRange& range) {
    return tree.count(not_before(tree, range.begin.ms), not_before(tree, range.end.ms));
  };
  static const CellSet kOpen(FacetFilter{.completed = false, .priority = {}, .action_type = {}, .link_type = {}});
  const auto open_between = [&](OrderTree::Place from, OrderTree::Place to) {
    return from < to ? by_due->count(from, to, kOpen, image.cell.data()) : 0;
  };
  const OrderTree::Place now = not_before(*by_due, query.now.ms);
  validity.limit_to_due_times_around(image, *by_due, now);
  Stats stats;
  stats.total = by_due->size();
  stats.completed = by_completed->size();
  stats.completed_today = between(*by_completed, query.day);
  stats.remaining_today = open_between(not_before(*by_due, query.day.begin.ms), not_before(*by_due, query.day.end.ms));
  stats.overdue = open_between(by_due->begin(), now);
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
