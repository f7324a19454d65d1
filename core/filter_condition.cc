// One Condition: what an operator and its value come down to as a Test.
#include <algorithm>
#include <array>
#include <utility>

#include "core/filter_operators.h"
#include "core/filter_reader.h"
#include "core/text.h"

namespace taskledger::json {
namespace {

class ConditionReader {
 public:
  ConditionReader(Field field, Op op, const TimeZone& zone)
      : field_(field), kind_(kind_of(field)), op_(op), zone_(zone) {
    out_.field = field;
    out_.negated = is_negation(op);
  }

  // `value` is nullopt when the condition has none; only the tests for null do without.
  Result<Condition> read(const Path& path, const std::optional<Element>& value) {
    if (op_ == Op::is_null || op_ == Op::is_not_null) return is_null();
    if (!value) return fault(path, "is required");
    const bool is_equality = op_ == Op::equals || op_ == Op::not_equals;
    if (is_equality && has_operator(kind_, Op::is_null) && value->is_null()) return is_null();
    if (Result<void> done = read_value(path, *value); !done) return done.error();
    std::sort(out_.ids.begin(), out_.ids.end());
    out_.ids.erase(std::unique(out_.ids.begin(), out_.ids.end()), out_.ids.end());
    std::sort(out_.texts.begin(), out_.texts.end());
    out_.texts.erase(std::unique(out_.texts.begin(), out_.texts.end()), out_.texts.end());
    return std::move(out_);
  }

 private:
  Condition is_null() {
    out_.test = Test::is_null;
    return std::move(out_);
  }

  Result<void> read_value(const Path& path, const Element& value) {
    switch (op_) {
      case Op::in:
      case Op::not_in:
        out_.test = Test::in;
        return read_list(path, value);
      case Op::contains:
      case Op::not_contains:
        return read_needle(path, value, Test::contains);
      case Op::starts_with:
        return read_needle(path, value, Test::starts_with);
      case Op::ends_with:
        return read_needle(path, value, Test::ends_with);
      default:
        break;
    }
    if (kind_ == Kind::flag) return read_flag(path, value);
    if (kind_ == Kind::time || is_ordering(op_)) return read_range(path, value);
    out_.test = Test::in;
    return read_item(path, value);
  }

  Result<void> read_needle(const Path& path, const Element& value, Test test) {
    const Result<std::string_view> text = read_string(path, value);
    if (!text) return text.error();
    out_.test = test;
    out_.texts = {fold_case(*text)};
    return {};
  }

  Result<void> read_flag(const Path& path, const Element& value) {
    const Result<bool> flag = read_bool(path, value);
    if (!flag) return flag.error();
    out_.test = Test::is_true;
    out_.negated = *flag == (op_ == Op::not_equals);  // never null: `not true` is `false`
    return {};
  }

  // --- lists and single members

  // An array, or a string of members separated by commas (and White_Space around them); an empty one has no members.
  Result<void> read_list(const Path& path, const Element& value) {
    Array array;
    if (value.get_array().get(array) == simdjson::SUCCESS) {
      std::size_t index = 0;
      for (const Element& item : array) {
        if (Result<void> done = read_item(path[index++], item); !done) return done;
      }
      return {};
    }
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS)
      return fault(path, "must be an array or a comma-separated string");
    if (trim(text).empty()) return {};
    for (;;) {
      const std::size_t comma = text.find(',');
      if (Result<void> done = add(path, trim(text.substr(0, comma))); !done) return done;
      if (comma == std::string_view::npos) return {};
      text.remove_prefix(comma + 1);
    }
  }

  Result<void> read_item(const Path& path, const Element& value) {
    std::string_view text;
    if (value.get_string().get(text) == simdjson::SUCCESS) return add(path, text);
    return wrong_value(path);
  }

  Result<void> add(const Path& path, std::string_view text) {
    switch (kind_) {
      case Kind::title:
        out_.texts.emplace_back(text);
        return {};
      case Kind::id: {
        const std::optional<Uuid> id = parse_uuid(text);
        if (!id) return wrong_value(path);
        out_.ids.push_back(*id);
        return {};
      }
      default: {
        const std::optional<unsigned> code = parse_code(text);
        if (!code) return wrong_value(path);
        out_.codes |= 1u << *code;
        return {};
      }
    }
  }

  [[nodiscard]] std::optional<unsigned> parse_code(std::string_view text) const {
    const auto code = [](const auto& member) -> std::optional<unsigned> {
      if (!member) return std::nullopt;
      return static_cast<unsigned>(*member);
    };
    if (kind_ == Kind::priority) return code(parse_priority(text));
    if (kind_ == Kind::action_type) return code(parse_action_type(text));
    return code(parse_entity_type(text));
  }

  [[nodiscard]] Invalid wrong_value(const Path& path) const {
    switch (kind_) {
      case Kind::priority:
        return not_one_of(path, kPriorityNames);
      case Kind::action_type:
        return not_one_of(path, kActionTypeNames);
      case Kind::entity_type:
        return not_one_of(path, kEntityTypeNames);
      case Kind::id:
        return fault(path, "must be a UUID");
      case Kind::time:
        return fault(path, "must be a date or a date-time (RFC 3339)");
      case Kind::title:
      case Kind::flag:
        break;
    }
    return fault(path, "must be a string");
  }

  // --- ranges over times and over priorities

  struct Span {
    std::int64_t first, last;
  };  // both included: a day has many milliseconds, an instant or a member one

  Result<Span> read_span(const Path& path, const Element& value) const {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return wrong_value(path);
    if (kind_ == Kind::time) {
      const std::optional<TimeInput> time = parse_time(text, zone_);
      if (!time) return wrong_value(path);
      return Span{time->day.begin.ms, time->day.end.ms - 1};
    }
    const std::optional<unsigned> code = parse_code(text);
    if (!code) return wrong_value(path);
    return Span{*code, *code};
  }

  Result<void> read_range(const Path& path, const Element& value) {
    out_.test = Test::in_range;
    if (op_ == Op::between) return read_between(path, value);
    const Result<Span> span = read_span(path, value);
    if (!span) return span.error();
    switch (op_) {
      case Op::greater_than:
      case Op::date_after:
        out_.low = span->last + 1;
        break;
      case Op::greater_equal:
        out_.low = span->first;
        break;
      case Op::less_than:
      case Op::date_before:
        out_.high = span->first - 1;
        break;
      case Op::less_equal:
        out_.high = span->last;
        break;
      default:  // equals, not_equals
        out_.low = span->first;
        out_.high = span->last;
    }
    return {};
  }

  Result<void> read_between(const Path& path, const Element& value) {
    Array array;
    if (value.get_array().get(array) != simdjson::SUCCESS || array.size() != 2) {
      return fault(path, "must be an array of two values");
    }
    const Result<Span> first = read_span(path[0], array.at(0).value_unsafe());
    if (!first) return first.error();
    const Result<Span> second = read_span(path[1], array.at(1).value_unsafe());
    if (!second) return second.error();
    out_.low = first->first;
    out_.high = second->last;
    return {};
  }

  Field field_;
  Kind kind_;
  Op op_;
  const TimeZone& zone_;
  Condition out_;
};

constexpr std::string_view kFieldNames =
    "id, title, due_date, priority, action_type, is_completed, completed_at, completed_by, assigned_to_id, created_by, "
    "created_at, updated_at, linked_entity_id, linked_entity_type";

}  // namespace

Result<Condition> read_condition(const Path& path, const Object& object, const TimeZone& zone) {
  static constexpr std::array<std::string_view, 3> kKeys = {"field", "operator", "value"};
  std::array<std::optional<Element>, 3> given;
  std::uint64_t seen = 0;
  const Result<void> read =
      read_object(path, object, kKeys, seen, [&](std::size_t index, const Path&, const Element& value) {
        given[index] = value;
        return Result<void>{};
      });
  if (!read) return read.error();
  const Result<Field> field = read_member(path / "field", *given[0], parse_field, kFieldNames);
  if (!field) return field.error();
  const Path at_operator = path / "operator";
  if (!given[1]) return fault(at_operator, "is required");
  const Result<std::string_view> name = read_string(at_operator, *given[1]);
  if (!name) return name.error();
  const std::optional<Op> op = parse_op(*name);
  if (!op || !has_operator(kind_of(*field), *op)) return wrong_operator(at_operator, *field, *name);
  return ConditionReader(*field, *op, zone).read(path / "value", given[2]);
}

}  // namespace taskledger::json
