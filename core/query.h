// A list query and a stats query as values, and the orders of a list. What HTTP parameters mean is decided when these
// are built; the read models answer them. matches(), sort_value(), sort_position() and compare() say on one task what
// they must answer: the server never calls them, they are what the tests hold its answers against.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/filter.h"
#include "core/ids.h"
#include "core/task.h"
#include "core/time_zone.h"

namespace taskledger {

enum class Mode : std::uint8_t { all, today, overdue, upcoming, completed };
inline constexpr std::string_view kModeNames = "all, today, overdue, upcoming, completed";
[[nodiscard]] std::optional<Mode> parse_mode(std::string_view) noexcept;

struct SortKey {
  Field field = Field::due_date;  // is_sortable()
  bool descending = false;
  friend bool operator==(const SortKey&, const SortKey&) = default;
};
inline constexpr std::size_t kMaxSortKeys = 5;
[[nodiscard]] bool is_sortable(Field) noexcept;
using SortOrder = std::vector<SortKey>;  // 1 to 5 keys; ties break by id ascending

// A value of a sort field: null (comes last in both directions), a number (times in ms, enumeration codes, booleans),
// or bytes (title: exact text; users: 16 bytes).
using SortValue = std::variant<std::monostate, std::int64_t, std::string>;
// Where a page ended: the values of the order's fields on its last task, and that task's id.
struct SortPosition {
  std::vector<SortValue> values;
  TaskId id;
  friend bool operator==(const SortPosition&, const SortPosition&) = default;
};
[[nodiscard]] SortValue sort_value(const Task& task, Field field);
// Title: case-folded by code point, equal ones by code point; `descending` reverses both, never the place of nulls.
[[nodiscard]] std::strong_ordering compare(const SortValue& a, const SortValue& b, const SortKey& key);
[[nodiscard]] std::strong_ordering compare(const SortPosition& a, const SortPosition& b, const SortOrder& order);
[[nodiscard]] SortPosition sort_position(const Task& task, const SortOrder& order);

struct ListQuery {
  Mode mode = Mode::all;
  Timestamp now;    // of the query, or of its cursor's first page
  TimeRange today;  // the caller's day around `now`
  std::optional<UserId> assigned_to;
  std::optional<Priority> priority;
  std::optional<ActionType> action_type;
  std::optional<EntityId> linked_entity_id;  // both given: one link that has both
  std::optional<EntityType> linked_entity_type;
  std::optional<FilterGroup> filters;
  std::vector<std::string> search;  // folded words, all of which the folded title contains
  SortOrder order{SortKey{}};
  std::uint32_t limit = 20;  // 1 to 100
  std::optional<SortPosition> after;
  // The same only for queries that mean the same but for `now`, `today`, `limit` and `after`; absent: not worked out.
  std::optional<std::array<std::uint8_t, 16>> meaning;
};
[[nodiscard]] bool matches(const ListQuery& query,
                           const Task& task);  // live tasks; the cursor and limit are not looked at

struct StatsQuery {
  std::optional<UserId> user;  // absent: the whole workspace
  Timestamp now;
  TimeRange day, week;  // the caller's, around `now`
};
struct Stats {
  std::uint64_t total = 0, completed_today = 0, remaining_today = 0, overdue = 0, this_week = 0, completed = 0;
  // Percent, rounded half up; 0 for no tasks.
  [[nodiscard]] unsigned completion_rate() const {
    return total ? static_cast<unsigned>((completed * 200 + total) / (2 * total)) : 0;
  }
  friend bool operator==(const Stats&, const Stats&) = default;
};
// `{"total":…,"completedToday":…,"remainingToday":…,"overdue":…,"thisWeek":…,"completionRate":…}`
void append_stats_json(std::string& out, const Stats& stats);

}  // namespace taskledger
