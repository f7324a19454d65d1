#include "core/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace taskledger {
namespace {

constexpr std::array<std::pair<std::string_view, Mode>, 5> kModes = {{{"all", Mode::all},
                                                                      {"today", Mode::today},
                                                                      {"overdue", Mode::overdue},
                                                                      {"upcoming", Mode::upcoming},
                                                                      {"completed", Mode::completed}}};

SortValue number_or_null(const std::optional<Timestamp>& time) { return time ? SortValue{time->ms} : SortValue{}; }
template <class Enumeration>
SortValue code_or_null(const std::optional<Enumeration>& member) {
  return member ? SortValue{static_cast<std::int64_t>(*member)} : SortValue{};
}

std::strong_ordering compare_titles(const std::string& a, const std::string& b) {
  if (const auto folded = fold_case(a) <=> fold_case(b); folded != 0) return folded;
  return a <=> b;
}

bool in_mode(const ListQuery& query, const Task& task) {
  const std::optional<Timestamp>& due = task.fields.due_date;
  const bool open_and_due = !task.is_completed() && due;
  switch (query.mode) {
    case Mode::all:
      return true;
    case Mode::today:
      return open_and_due && query.today.begin <= *due && *due < query.today.end;
    case Mode::overdue:
      return open_and_due && *due < query.now;
    case Mode::upcoming:
      return open_and_due && *due >= query.now;
    case Mode::completed:
      return task.is_completed();
  }
  return false;
}

bool has_link(const ListQuery& query, const Task& task) {
  if (!query.linked_entity_id && !query.linked_entity_type) return true;
  return std::any_of(task.fields.links.begin(), task.fields.links.end(), [&](const Link& link) {
    return (!query.linked_entity_id || link.id == *query.linked_entity_id) &&
           (!query.linked_entity_type || link.type == *query.linked_entity_type);
  });
}

bool has_words(const ListQuery& query, const Task& task) {
  if (query.search.empty()) return true;
  const std::string title = fold_case(task.fields.title);
  return std::all_of(query.search.begin(), query.search.end(),
                     [&](const std::string& word) { return title.find(word) != std::string::npos; });
}

}  // namespace

std::optional<Mode> parse_mode(std::string_view name) noexcept {
  for (const auto& [spelling, mode] : kModes) {
    if (spelling == name) return mode;
  }
  return std::nullopt;
}

bool is_sortable(Field field) noexcept {
  switch (field) {
    case Field::due_date:
    case Field::title:
    case Field::priority:
    case Field::action_type:
    case Field::is_completed:
    case Field::assigned_to_id:
    case Field::created_at:
    case Field::updated_at:
    case Field::completed_at:
      return true;
    case Field::id:
    case Field::completed_by:
    case Field::created_by:
    case Field::linked_entity_id:
    case Field::linked_entity_type:
      return false;
  }
  return false;
}

SortValue sort_value(const Task& task, Field field) {
  switch (field) {
    case Field::due_date:
      return number_or_null(task.fields.due_date);
    case Field::completed_at:
      return number_or_null(task.completed_at);
    case Field::created_at:
      return task.created_at.ms;
    case Field::updated_at:
      return task.updated_at.ms;
    case Field::priority:
      return code_or_null(task.fields.priority);
    case Field::action_type:
      return code_or_null(task.fields.action_type);
    case Field::is_completed:
      return std::int64_t{task.is_completed()};
    case Field::title:
      return task.fields.title;
    case Field::assigned_to_id: {
      if (!task.fields.assigned_to) return {};
      const auto& bytes = task.fields.assigned_to->value.bytes;
      return std::string(bytes.begin(), bytes.end());
    }
    default:
      return {};  // not sortable
  }
}

std::strong_ordering compare(const SortValue& a, const SortValue& b, const SortKey& key) {
  const bool a_null = a.index() == 0, b_null = b.index() == 0;
  if (a_null || b_null) return a_null <=> b_null;  // nulls last, in both directions
  if (a.index() != b.index()) return a.index() <=> b.index();
  std::strong_ordering order = std::strong_ordering::equal;
  if (const auto* number = std::get_if<std::int64_t>(&a)) {
    order = *number <=> std::get<std::int64_t>(b);
  } else if (key.field == Field::title) {
    order = compare_titles(std::get<std::string>(a), std::get<std::string>(b));
  } else {
    order = std::get<std::string>(a) <=> std::get<std::string>(b);
  }
  return key.descending ? 0 <=> order : order;
}

std::strong_ordering compare(const SortPosition& a, const SortPosition& b, const SortOrder& order) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (const auto by_key = compare(a.values[i], b.values[i], order[i]); by_key != 0) return by_key;
  }
  return a.id <=> b.id;
}

SortPosition sort_position(const Task& task, const SortOrder& order) {
  SortPosition position;
  position.values.reserve(order.size());
  for (const SortKey& key : order) position.values.push_back(sort_value(task, key.field));
  position.id = task.id;
  return position;
}

bool matches(const ListQuery& query, const Task& task) {
  const TaskFields& fields = task.fields;
  return task.lifecycle == Lifecycle::live && in_mode(query, task) &&
         (!query.assigned_to || fields.assigned_to == query.assigned_to) &&
         (!query.priority || fields.priority == query.priority) &&
         (!query.action_type || fields.action_type == query.action_type) && has_link(query, task) &&
         has_words(query, task) && (!query.filters || matches(*query.filters, task));
}

void append_stats_json(std::string& out, const Stats& stats) {
  out.reserve(out.size() + 256);  // names of 87 characters, six numbers of at most 20
  const auto number = [&](std::string_view key, std::uint64_t value) {
    const fmt::format_int text(value);
    out.append(key).append(text.data(), text.size());
  };
  number(R"({"total":)", stats.total);
  number(R"(,"completedToday":)", stats.completed_today);
  number(R"(,"remainingToday":)", stats.remaining_today);
  number(R"(,"overdue":)", stats.overdue);
  number(R"(,"thisWeek":)", stats.this_week);
  number(R"(,"completionRate":)", stats.completion_rate());
  out += '}';
}

}  // namespace taskledger
