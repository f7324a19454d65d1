// FilterGroup: a tree of conditions over one task, parsed from JSON and bound to instants, and planned over columns by
// the read models. matches() evaluates it on a task: the server never does that, it is what the tests hold its answers
// against.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "core/task.h"
#include "core/time_zone.h"

namespace taskledger {

enum class Field : std::uint8_t {
  id,
  title,
  due_date,
  priority,
  action_type,
  is_completed,
  completed_at,
  completed_by,
  assigned_to_id,
  created_by,
  created_at,
  updated_at,
  linked_entity_id,
  linked_entity_type,
};
[[nodiscard]] std::string_view name_of(Field) noexcept;
[[nodiscard]] std::optional<Field> parse_field(std::string_view) noexcept;

inline constexpr std::size_t kMaxConditions = 100;
inline constexpr std::size_t kMaxGroupLevels = 8;
inline constexpr std::size_t kMaxFiltersBytes = 16 * 1024;

// What conditions come down to. All the contract's operators are one of these, after dates became instants and
// shorthands were resolved; `negated` turns the answer round and then, as the contract wants, a field that is null
// matches too (not_equals, not_in, not_contains).
enum class Test : std::uint8_t {
  in,        // the field's value is one of `texts` / `codes` / `ids`; equals is an `in` of one
  in_range,  // [low, high] both included, over times (ms) or enumeration codes; open ends are int64 limits; empty when
             // low > high
  contains,  // folded title contains `texts[0]` (already folded)
  starts_with,
  ends_with,
  is_null,  // `negated`: is_not_null. For links: no links
  is_true,  // is_completed
};
struct Condition {
  Field field = Field::title;
  Test test = Test::is_null;
  bool negated = false;
  std::int64_t low = INT64_MIN, high = INT64_MAX;
  std::vector<std::string> texts;  // titles, exact; or one folded needle
  std::vector<Uuid> ids;           // id, users, linked_entity_id
  std::uint32_t codes =
      0;  // bit set of enumeration values (1 << code): priority, action_type, linked_entity_type, is_completed
};
struct FilterGroup;
using FilterNode = std::variant<Condition, std::unique_ptr<FilterGroup>>;
struct FilterGroup {
  bool any = false;                  // OR; otherwise AND
  std::vector<FilterNode> children;  // empty: matches all
};

// Messages begin `Parameter 'filters' …` (or `Parameter 'filters.conditions[1].value' …`, with the key the caller
// used).
[[nodiscard]] Result<FilterGroup> parse_filters(std::string_view json, const TimeZone& zone);
[[nodiscard]] bool matches(const FilterGroup& group, const Task& task);
[[nodiscard]] bool matches(const Condition& condition, const Task& task);

}  // namespace taskledger
