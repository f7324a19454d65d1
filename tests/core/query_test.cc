#include "core/query.h"

#include <algorithm>

#include "core/text.h"
#include "tests/core/support.h"

namespace taskledger {
namespace {

using namespace testing;

Task task(std::uint8_t id, std::string title = "t") {
  Task task;
  task.id = {uuid(id)};
  task.lifecycle = Lifecycle::live;
  task.fields = titled(std::move(title));
  return task;
}

// The ids of the tasks in the order's sequence, as digits.
std::string sorted(std::vector<Task> tasks, const SortOrder& order) {
  std::sort(tasks.begin(), tasks.end(), [&](const Task& a, const Task& b) {
    return compare(sort_position(a, order), sort_position(b, order), order) < 0;
  });
  std::string ids;
  for (const Task& task : tasks) ids += std::to_string(task.id.value.bytes[15]);
  return ids;
}

TEST(Modes, HaveNames) {
  EXPECT_EQ(parse_mode("all"), Mode::all);
  EXPECT_EQ(parse_mode("today"), Mode::today);
  EXPECT_EQ(parse_mode("overdue"), Mode::overdue);
  EXPECT_EQ(parse_mode("upcoming"), Mode::upcoming);
  EXPECT_EQ(parse_mode("completed"), Mode::completed);
  EXPECT_EQ(parse_mode("Today"), std::nullopt);
  EXPECT_EQ(parse_mode(""), std::nullopt);
}

TEST(Sort, NineFieldsAreSortable) {
  std::string names;
  for (std::uint8_t code = 0; code < 14; ++code) {
    if (is_sortable(static_cast<Field>(code))) names += std::string(name_of(static_cast<Field>(code))) + " ";
  }
  EXPECT_EQ(names,
            "title due_date priority action_type is_completed completed_at assigned_to_id created_at updated_at ");
}

TEST(Sort, NullsComeLastInBothDirectionsAndTiesBreakByIdAscending) {
  std::vector<Task> tasks = {task(5), task(4), task(3), task(2), task(1)};
  tasks[0].fields.due_date = Timestamp{10};
  tasks[1].fields.due_date = Timestamp{20};
  tasks[2].fields.due_date = Timestamp{20};
  EXPECT_EQ(sorted(tasks, {{Field::due_date, false}}), "53412");
  EXPECT_EQ(sorted(tasks, {{Field::due_date, true}}), "34512");
}

TEST(Sort, TitlesCompareFoldedAndThenByCodePoint) {
  const std::vector<Task> tasks = {task(1, "b"),       task(2, "A"),      task(3, "a"),
                                   task(4, "STRASSE"), task(5, "straße"), task(6, "\U0001F600"),
                                   task(7, "\uFB01"),  task(8, "\uE000")};  // 7: fi, folds to two letters
  EXPECT_EQ(sorted(tasks, {{Field::title, false}}), "23174586");
  EXPECT_EQ(sorted(tasks, {{Field::title, true}}), "68547132");
}

TEST(Sort, SeveralKeys) {
  std::vector<Task> tasks = {task(1), task(2), task(3), task(4)};
  tasks[0].fields.priority = Priority::high;
  tasks[1].fields.priority = Priority::low;
  tasks[2].fields.priority = Priority::low;
  tasks[1].completed_at = Timestamp{1};
  EXPECT_EQ(sorted(tasks, {{Field::priority, true}, {Field::is_completed, true}}), "1234");
  EXPECT_EQ(sorted(tasks, {{Field::is_completed, false}, {Field::priority, false}}), "3142");
}

TEST(Sort, ActionTypesAlphabeticallyAndUsersByTheirText) {
  std::vector<Task> tasks = {task(1), task(2), task(3)};
  tasks[0].fields.action_type = ActionType::meeting;
  tasks[1].fields.action_type = ActionType::linkedin_message;
  tasks[2].fields.action_type = ActionType::whatsapp_message;
  EXPECT_EQ(sorted(tasks, {{Field::action_type, false}}), "213");
  tasks[0].fields.assigned_to = user(0xF0);
  tasks[2].fields.assigned_to = user(0x0F);
  EXPECT_EQ(sorted(tasks, {{Field::assigned_to_id, false}}), "312");
  EXPECT_EQ(sorted(tasks, {{Field::assigned_to_id, true}}), "132");
}

TEST(ListQuery, Modes) {
  ListQuery query;
  query.now = Timestamp{1500};
  query.today = {Timestamp{1000}, Timestamp{2000}};
  const auto in = [&](std::optional<std::int64_t> due, bool completed) {
    Task t = task(1);
    if (due) t.fields.due_date = Timestamp{*due};
    if (completed) t.completed_at = Timestamp{1};
    std::string modes;
    for (const auto& [mode, letter] : {std::pair{Mode::all, 'a'},
                                       {Mode::today, 't'},
                                       {Mode::overdue, 'o'},
                                       {Mode::upcoming, 'u'},
                                       {Mode::completed, 'c'}}) {
      query.mode = mode;
      if (matches(query, t)) modes += letter;
    }
    return modes;
  };
  EXPECT_EQ(in(999, false), "ao");
  EXPECT_EQ(in(1000, false), "ato");  // due earlier today: both
  EXPECT_EQ(in(1499, false), "ato");
  EXPECT_EQ(in(1500, false), "atu");
  EXPECT_EQ(in(1999, false), "atu");
  EXPECT_EQ(in(2000, false), "au");
  EXPECT_EQ(in(std::nullopt, false), "a");
  EXPECT_EQ(in(1200, true), "ac");
}

TEST(ListQuery, EqualitiesLinksSearchAndFiltersAreAllAsked) {
  Task t = task(1, "Große Straße 7");
  t.fields.priority = Priority::high;
  t.fields.action_type = ActionType::call;
  t.fields.assigned_to = user(1);
  t.fields.links = {link(1, EntityType::contacts), link(2, EntityType::companies)};

  const auto with = [&](auto change) {
    ListQuery query;
    change(query);
    return matches(query, t);
  };
  EXPECT_TRUE(with([](ListQuery&) {}));
  EXPECT_TRUE(with([](ListQuery& q) {
    q.assigned_to = user(1);
    q.priority = Priority::high;
    q.action_type = ActionType::call;
  }));
  EXPECT_FALSE(with([](ListQuery& q) { q.assigned_to = user(2); }));
  EXPECT_FALSE(with([](ListQuery& q) { q.priority = Priority::low; }));
  EXPECT_FALSE(with([](ListQuery& q) { q.action_type = ActionType::email; }));
  EXPECT_TRUE(with([](ListQuery& q) { q.linked_entity_id = EntityId{uuid(2)}; }));
  EXPECT_TRUE(with([](ListQuery& q) { q.linked_entity_type = EntityType::contacts; }));
  EXPECT_TRUE(with([](ListQuery& q) {
    q.linked_entity_id = EntityId{uuid(2)};
    q.linked_entity_type = EntityType::companies;
  }));
  EXPECT_FALSE(with([](ListQuery& q) {
    q.linked_entity_id = EntityId{uuid(2)};
    q.linked_entity_type = EntityType::contacts;
  }));
  EXPECT_TRUE(with([](ListQuery& q) { q.search = {fold_case("STRASSE"), fold_case("GROSS")}; }));
  EXPECT_FALSE(with([](ListQuery& q) { q.search = {fold_case("strasse"), fold_case("8")}; }));
  EXPECT_TRUE(with([](ListQuery& q) { q.filters = FilterGroup{}; }));
  t.lifecycle = Lifecycle::deleted;
  EXPECT_FALSE(with([](ListQuery&) {}));
}

TEST(Stats, RateIsRoundedHalfUp) {
  const auto rate = [](std::uint64_t completed, std::uint64_t total) {
    Stats stats;
    stats.completed = completed;
    stats.total = total;
    return stats.completion_rate();
  };
  EXPECT_EQ(rate(0, 0), 0u);
  EXPECT_EQ(rate(1, 200), 1u);  // 0.5
  EXPECT_EQ(rate(1, 201), 0u);
  EXPECT_EQ(rate(1, 8), 13u);  // 12.5
  EXPECT_EQ(rate(2, 3), 67u);
  EXPECT_EQ(rate(3, 3), 100u);
  std::string out;
  append_stats_json(
      out, {.total = 8, .completed_today = 1, .remaining_today = 2, .overdue = 3, .this_week = 4, .completed = 1});
  EXPECT_EQ(out, R"({"total":8,"completedToday":1,"remainingToday":2,"overdue":3,"thisWeek":4,"completionRate":13})");
}

}  // namespace
}  // namespace taskledger
