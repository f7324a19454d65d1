// The operators of filter conditions: their names, and which of them each field has. Internal to core.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/filter.h"
#include "core/json_reader.h"

namespace taskledger::json {

enum class Op : std::uint8_t {
  equals,
  not_equals,
  in,
  not_in,
  contains,
  not_contains,
  starts_with,
  ends_with,
  greater_than,
  greater_equal,
  less_than,
  less_equal,
  between,
  date_before,
  date_after,
  is_null,
  is_not_null,
};

// How the values of a field are read and compared.
enum class Kind : std::uint8_t { title, priority, action_type, time, flag, id, entity_type };

[[nodiscard]] Kind kind_of(Field field);
// By its long or its short name.
[[nodiscard]] std::optional<Op> parse_op(std::string_view name);
[[nodiscard]] bool has_operator(Kind kind, Op op);
// The complement of another operator: a field that is null matches it.
[[nodiscard]] bool is_negation(Op op);
// greater_than … between.
[[nodiscard]] bool is_ordering(Op op);
// `… must be one of: equals, not_equals (field 'is_completed' has no 'contains')`
[[nodiscard]] Invalid wrong_operator(const Path& path, Field field, std::string_view given);

}  // namespace taskledger::json
