#include "core/filter_operators.h"

#include <array>
#include <string>
#include <utility>

namespace taskledger::json {
namespace {

// Long names, in the order of Op.
constexpr std::array<std::string_view, 17> kOpNames = {
    "equals",      "not_equals",  "in",           "not_in",        "contains",   "not_contains",
    "starts_with", "ends_with",   "greater_than", "greater_equal", "less_than",  "less_equal",
    "between",     "date_before", "date_after",   "is_null",       "is_not_null"};
constexpr std::array<std::pair<std::string_view, Op>, 8> kShortOpNames = {{{"eq", Op::equals},
                                                                           {"neq", Op::not_equals},
                                                                           {"gt", Op::greater_than},
                                                                           {"gte", Op::greater_equal},
                                                                           {"lt", Op::less_than},
                                                                           {"lte", Op::less_equal},
                                                                           {"is_empty", Op::is_null},
                                                                           {"is_not_empty", Op::is_not_null}}};

constexpr std::uint32_t bit(Op op) { return 1u << static_cast<unsigned>(op); }
template <class... Ops>
constexpr std::uint32_t set_of(Ops... ops) {
  return (bit(ops) | ...);
}

constexpr std::uint32_t kEquality = set_of(Op::equals, Op::not_equals);
constexpr std::uint32_t kMembership = kEquality | set_of(Op::in, Op::not_in);
constexpr std::uint32_t kNullness = set_of(Op::is_null, Op::is_not_null);
constexpr std::uint32_t kOrder =
    set_of(Op::greater_than, Op::greater_equal, Op::less_than, Op::less_equal, Op::between);

std::uint32_t operators_of(Kind kind) {
  switch (kind) {
    case Kind::title:
      return kMembership | set_of(Op::contains, Op::not_contains, Op::starts_with, Op::ends_with);
    case Kind::priority:
      return kMembership | kNullness | kOrder;
    case Kind::time:
      return kEquality | kOrder | kNullness | set_of(Op::date_before, Op::date_after);
    case Kind::flag:
      return kEquality;
    case Kind::action_type:
    case Kind::id:
    case Kind::entity_type:
      return kMembership | kNullness;
  }
  return 0;
}

}  // namespace

Kind kind_of(Field field) {
  switch (field) {
    case Field::title:
      return Kind::title;
    case Field::priority:
      return Kind::priority;
    case Field::action_type:
      return Kind::action_type;
    case Field::is_completed:
      return Kind::flag;
    case Field::due_date:
    case Field::completed_at:
    case Field::created_at:
    case Field::updated_at:
      return Kind::time;
    case Field::linked_entity_type:
      return Kind::entity_type;
    case Field::id:
    case Field::completed_by:
    case Field::assigned_to_id:
    case Field::created_by:
    case Field::linked_entity_id:
      return Kind::id;
  }
  return Kind::id;
}

std::optional<Op> parse_op(std::string_view name) {
  for (std::size_t i = 0; i < kOpNames.size(); ++i) {
    if (kOpNames[i] == name) return static_cast<Op>(i);
  }
  for (const auto& [spelling, op] : kShortOpNames) {
    if (spelling == name) return op;
  }
  return std::nullopt;
}

Invalid wrong_operator(const Path& path, Field field, std::string_view given) {
  std::string names;
  for (std::size_t i = 0; i < kOpNames.size(); ++i) {
    if (!has_operator(kind_of(field), static_cast<Op>(i))) continue;
    if (!names.empty()) names += ", ";
    names += kOpNames[i];
  }
  Invalid invalid = not_one_of(path, names);
  invalid.message += " (field '" + std::string(name_of(field)) + "'";
  if (given.size() <= 40) invalid.message += " has no '" + std::string(given) + "'";
  invalid.message += ")";
  return invalid;
}

bool is_negation(Op op) {
  return op == Op::not_equals || op == Op::not_in || op == Op::not_contains || op == Op::is_not_null;
}

bool is_ordering(Op op) { return kOrder & bit(op); }

bool has_operator(Kind kind, Op op) { return operators_of(kind) & bit(op); }

}  // namespace taskledger::json
