#include "core/filter.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace taskledger {
namespace {

constexpr std::array<std::string_view, 14> kNames = {
    "id",           "title",        "due_date",         "priority",          "action_type",
    "is_completed", "completed_at", "completed_by",     "assigned_to_id",    "created_by",
    "created_at",   "updated_at",   "linked_entity_id", "linked_entity_type"};

bool holds(const std::vector<Uuid>& ids, const Uuid& id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); }
bool holds(std::uint32_t codes, unsigned code) { return codes >> code & 1; }

// The field of a task as the number that ranges and bit sets are over; nullopt for null and for fields without one.
std::optional<std::int64_t> number_of(const Task& task, Field field) {
  const auto ms = [](const std::optional<Timestamp>& time) { return time ? std::optional(time->ms) : std::nullopt; };
  const auto code = [](const auto& member) {
    return member ? std::optional(static_cast<std::int64_t>(*member)) : std::nullopt;
  };
  switch (field) {
    case Field::due_date:
      return ms(task.fields.due_date);
    case Field::completed_at:
      return ms(task.completed_at);
    case Field::created_at:
      return task.created_at.ms;
    case Field::updated_at:
      return task.updated_at.ms;
    case Field::priority:
      return code(task.fields.priority);
    case Field::action_type:
      return code(task.fields.action_type);
    case Field::is_completed:
      return task.is_completed();
    default:
      return std::nullopt;
  }
}

std::optional<Uuid> id_of(const Task& task, Field field) {
  const auto value = [](const std::optional<UserId>& user) { return user ? std::optional(user->value) : std::nullopt; };
  switch (field) {
    case Field::id:
      return task.id.value;
    case Field::created_by:
      return task.created_by.value;
    case Field::assigned_to_id:
      return value(task.fields.assigned_to);
    case Field::completed_by:
      return value(task.completed_by);
    default:
      return std::nullopt;
  }
}

bool is_link_field(Field field) { return field == Field::linked_entity_id || field == Field::linked_entity_type; }

bool is_null(const Task& task, Field field) {
  if (field == Field::title) return false;
  if (is_link_field(field)) return task.fields.links.empty();
  return !number_of(task, field) && !id_of(task, field);
}

bool is_in(const Condition& condition, const Task& task) {
  if (condition.field == Field::title) {
    return std::find(condition.texts.begin(), condition.texts.end(), task.fields.title) != condition.texts.end();
  }
  if (is_link_field(condition.field)) {
    const bool by_id = condition.field == Field::linked_entity_id;
    return std::any_of(task.fields.links.begin(), task.fields.links.end(), [&](const Link& link) {
      return by_id ? holds(condition.ids, link.id.value) : holds(condition.codes, static_cast<unsigned>(link.type));
    });
  }
  if (const std::optional<Uuid> id = id_of(task, condition.field)) return holds(condition.ids, *id);
  const std::optional<std::int64_t> number = number_of(task, condition.field);
  return number && *number < 32 && holds(condition.codes, static_cast<unsigned>(*number));
}

// Whether the test holds, `negated` aside. A null field passes none but is_null.
bool passes(const Condition& condition, const Task& task) {
  switch (condition.test) {
    case Test::in:
      return is_in(condition, task);
    case Test::in_range: {
      const std::optional<std::int64_t> number = number_of(task, condition.field);
      return number && condition.low <= *number && *number <= condition.high;
    }
    case Test::contains:
      return fold_case(task.fields.title).find(condition.texts.front()) != std::string::npos;
    case Test::starts_with:
      return fold_case(task.fields.title).starts_with(condition.texts.front());
    case Test::ends_with:
      return fold_case(task.fields.title).ends_with(condition.texts.front());
    case Test::is_null:
      return is_null(task, condition.field);
    case Test::is_true:
      return task.is_completed();
  }
  return false;
}

bool node_matches(const FilterNode& node, const Task& task) {
  if (const auto* condition = std::get_if<Condition>(&node)) return matches(*condition, task);
  return matches(*std::get<std::unique_ptr<FilterGroup>>(node), task);
}

}  // namespace

std::string_view name_of(Field field) noexcept { return kNames.at(static_cast<std::size_t>(field)); }

std::optional<Field> parse_field(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Field>(i);
  }
  return std::nullopt;
}

bool matches(const Condition& condition, const Task& task) { return passes(condition, task) != condition.negated; }

bool matches(const FilterGroup& group, const Task& task) {
  const auto& children = group.children;
  if (children.empty()) return true;
  const auto test = [&](const FilterNode& node) { return node_matches(node, task); };
  return group.any ? std::any_of(children.begin(), children.end(), test)
                   : std::all_of(children.begin(), children.end(), test);
}

}  // namespace taskledger
