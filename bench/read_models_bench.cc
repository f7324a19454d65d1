// What the read models cost by themselves: an image of generated tasks (a million unless told), microseconds of CPU for
// each kind of query, bytes a task. No HTTP, no disk.    Usage: read_models_bench [tasks]
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "projections/image/image.h"
#include "projections/image_loader.h"
#include "projections/list/list_query.h"
#include "projections/list/list_row.h"
#include "projections/stats/stats_query.h"

using namespace taskledger;
using namespace taskledger::projections;

namespace {

constexpr std::int64_t kNow = 1'760'000'000'000, kDay = 86'400'000;

struct Generator {
  std::mt19937_64 random{42};
  std::vector<UserId> users;
  std::vector<EntityId> entities;

  std::uint64_t pick(std::uint64_t below) { return random() % below; }
  Uuid uuid() {
    Uuid id;
    for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random());
    return id;
  }
  explicit Generator(std::size_t tasks) {
    for (int i = 0; i < 200; ++i) users.push_back({uuid()});
    for (std::size_t i = 0; i < tasks / 10 + 10; ++i) entities.push_back({uuid()});
  }
  void make(Task& task, std::size_t at) {
    static const char* const kVerbs[] = {"Call", "Email", "Meet", "Review", "Prepare", "Send", "Check", "Update"};
    static const char* const kThings[] = {"the quarterly offer", "contract renewal", "open invoice", "support ticket",
                                          "product demo",        "onboarding plan",  "budget draft"};
    std::array<std::uint8_t, 10> tail;
    for (auto& byte : tail) byte = static_cast<std::uint8_t>(random());
    task = {};
    task.created_at = {kNow - 365 * kDay + static_cast<std::int64_t>(at) * 30'000};
    task.id = {uuid_v7(task.created_at.ms, tail)};
    task.lifecycle = Lifecycle::live;
    task.version = {1};
    task.fields.title = fmt::format("{} {} for customer {}", kVerbs[pick(8)], kThings[pick(7)], pick(100'000));
    if (pick(20) != 0)
      task.fields.due_date = Timestamp{kNow + (static_cast<std::int64_t>(pick(365 * 86'400)) - 182 * 86'400) * 1000};
    task.fields.priority = static_cast<Priority>(1 + pick(3));
    task.fields.action_type = static_cast<ActionType>(1 + pick(5));
    task.fields.assigned_to = users[pick(users.size())];
    const auto links = 1 + pick(3);
    for (std::uint64_t i = 0; i < links; ++i)
      task.fields.links.push_back(
          {entities[pick(10) == 0 ? 0 : pick(entities.size())], static_cast<EntityType>(1 + pick(3))});
    task.created_by = users[pick(users.size())];
    task.updated_at = task.created_at;
    if (pick(10) < 3) {
      task.completed_at = Timestamp{kNow - static_cast<std::int64_t>(pick(30 * 86'400)) * 1000};
      task.completed_by = task.created_by;
      task.updated_at = *task.completed_at;
    }
  }
};

// Of this thread: what other work on the machine takes is left out.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void time_it(const std::string& name, const std::function<std::uint64_t()>& run) {
  std::vector<double> took;
  std::uint64_t result = run();
  const double start = cpu_seconds();
  while (took.size() < 10 || (cpu_seconds() - start < 0.1 && took.size() < 20'000)) {
    const double from = cpu_seconds();
    result = run();
    took.push_back((cpu_seconds() - from) * 1e6);
  }
  std::sort(took.begin(), took.end());
  fmt::print("{:<58} p50 {:>9.1f} us  p99 {:>9.1f} us  (total {})\n", name, took[took.size() / 2],
             took[took.size() * 99 / 100], result);
}

Condition range(Field field, std::int64_t low, std::int64_t high) {
  Condition condition;
  condition.field = field;
  condition.test = Test::in_range;
  condition.low = low;
  condition.high = high;
  return condition;
}
Condition contains(const std::string& text) {
  Condition condition;
  condition.test = Test::contains;
  condition.texts = {text};
  return condition;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t tasks = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  Generator generator(tasks);
  Image image;
  std::vector<std::pair<std::string, std::string>> rows;
  Task task;
  for (std::size_t i = 0; i < tasks; ++i) {
    generator.make(task, i);
    rows.emplace_back(list_key({1}, task.id), list_value(task));
  }
  std::sort(rows.begin(), rows.end());
  const auto started = std::chrono::steady_clock::now();
  ImageLoader loader(image, static_cast<std::uint32_t>(tasks));
  for (const auto& [key, value] : rows) {
    if (!loader.add(key, value)) return 1;
  }
  if (!loader.finish()) return 1;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  fmt::print("loaded in {:.2f} s by the clock, {:.0f} bytes a task\n", took.count(),
             static_cast<double>(image.bytes()) / static_cast<double>(tasks));
  rows = {};

  const auto answer = [&](const ListQuery& query) {
    Validity unused;
    RenderedRowsPtr rows;
    return answer_list(image, query, unused, rows);
  };
  const auto list = [&](const std::string& name, const std::function<void(ListQuery&)>& change) {
    ListQuery query;
    query.now = {kNow};
    query.today = {{kNow - 40'000'000}, {kNow + 46'400'000}};
    change(query);
    time_it(name, [&] { return answer(query).total; });
    auto page = answer(query);
    if (!page.next) return;
    for (int i = 0; i < 50 && page.next; ++i) {
      query.after = page.next;
      page = answer(query);
    }
    if (page.next) time_it("    deep page of it", [&] { return answer(query).total; });
  };
  const UserId user = generator.users[7];
  list("no parameter", [](ListQuery&) {});
  list("mode=upcoming", [](ListQuery& q) { q.mode = Mode::upcoming; });
  list("mode=upcoming assigned_to priority=high",
       [&](ListQuery& q) { q.mode = Mode::upcoming, q.assigned_to = user, q.priority = Priority::high; });
  {
    ListQuery query;
    query.now = {kNow}, query.mode = Mode::upcoming, query.priority = Priority::high;
    std::size_t turn = 0;
    time_it("the same of 200 users in turn", [&] {
      query.assigned_to = generator.users[turn++ % generator.users.size()];
      return answer(query).total;
    });
  }
  list("mode=overdue priority=low", [](ListQuery& q) { q.mode = Mode::overdue, q.priority = Priority::low; });
  list("mode=today assigned_to", [&](ListQuery& q) { q.mode = Mode::today, q.assigned_to = user; });
  list("linked_entity_id (small)", [&](ListQuery& q) { q.linked_entity_id = generator.entities[77]; });
  list("linked_entity_id (of a fifth)", [&](ListQuery& q) { q.linked_entity_id = generator.entities[0]; });
  list("linked_entity_id (of a fifth) type",
       [&](ListQuery& q) { q.linked_entity_id = generator.entities[0], q.linked_entity_type = EntityType::contacts; });
  list("linked_entity_id (of a fifth) assigned_to",
       [&](ListQuery& q) { q.linked_entity_id = generator.entities[0], q.assigned_to = user; });
  for (const Field field : {Field::due_date, Field::title, Field::priority, Field::action_type, Field::is_completed,
                            Field::assigned_to_id, Field::created_at, Field::updated_at, Field::completed_at}) {
    const double from = cpu_seconds();
    (void)image.ensure_order(field);
    fmt::print("order by {} built in {:.2f} s\n", name_of(field), cpu_seconds() - from);
    for (const bool descending : {false, true}) {
      list(fmt::format("limit=100 sort={} {}", name_of(field), descending ? "desc" : "asc"), [&](ListQuery& q) {
        q.order = {{field, descending}}, q.limit = 100;
      });
    }
    list(fmt::format("mode=upcoming assigned_to sort={}", name_of(field)), [&](ListQuery& q) {
      q.order = {{field, false}}, q.mode = Mode::upcoming, q.assigned_to = user;
    });
    list(fmt::format("mode=upcoming priority sort={}", name_of(field)), [&](ListQuery& q) {
      q.order = {{field, false}}, q.mode = Mode::upcoming, q.priority = Priority::high;
    });
    list(fmt::format("mode=today priority action sort={}", name_of(field)), [&](ListQuery& q) {
      q.order = {{field, false}}, q.mode = Mode::today, q.priority = Priority::high, q.action_type = ActionType::call;
    });
  }
  list("sort=priority desc, due_date, title", [](ListQuery& q) {
    q.order = {{Field::priority, true}, {Field::due_date, false}, {Field::title, false}};
  });
  list("sort=title desc, priority", [](ListQuery& q) { q.order = {{Field::title, true}, {Field::priority, false}}; });
  list("search (rare)", [](ListQuery& q) { q.search = {"4711"}; });
  list("search (common, two words)", [](ListQuery& q) { q.search = {"for", "customer"}; });
  list("search e", [](ListQuery& q) { q.search = {"e"}; });
  list("search assigned_to", [&](ListQuery& q) { q.search = {"invoice"}, q.assigned_to = user; });
  list("filters: nested, contains, between, links, by title", [&](ListQuery& q) {
    FilterGroup inner;
    inner.any = true;
    inner.children.emplace_back(contains("offer"));
    inner.children.emplace_back(contains("contract"));
    Condition link;
    link.field = Field::linked_entity_id;
    link.test = Test::in;
    link.ids = {generator.entities[0].value, generator.entities[5].value};
    inner.children.emplace_back(link);
    FilterGroup group;
    group.children.emplace_back(range(Field::due_date, kNow - 30 * kDay, kNow + 90 * kDay));
    group.children.emplace_back(std::make_unique<FilterGroup>(std::move(inner)));
    q.filters = std::move(group);
    q.order = {{Field::title, false}, {Field::due_date, true}};
  });
  list("filters: between of created, by updated desc", [](ListQuery& q) {
    FilterGroup group;
    group.children.emplace_back(range(Field::created_at, kNow - 300 * kDay, kNow - 100 * kDay));
    q.filters = std::move(group);
    q.order = {{Field::updated_at, true}};
  });
  StatsQuery stats{user, {kNow}, {{kNow - 40'000'000}, {kNow + 46'400'000}}, {{kNow - 3 * kDay}, {kNow + 4 * kDay}}};
  const auto counted = [&] {
    Validity validity;
    return count_stats(image, stats, validity).total;
  };
  time_it("stats of a user", counted);
  stats.user.reset();
  time_it("stats of all", counted);
  std::size_t at = 0;
  time_it("put: a due date changes", [&] {
    Task changed = image.task(static_cast<Row>(generator.pick(image.rows())));
    changed.fields.due_date = Timestamp{kNow + static_cast<std::int64_t>(++at) * 1000};
    changed.version = changed.version.next();
    image.put(changed);
    return std::uint64_t{image.tasks()};
  });
  time_it("put: a new task", [&] {
    generator.make(task, 0);
    image.put(task);
    return std::uint64_t{image.tasks()};
  });
  fmt::print("{:.0f} bytes a task with all orders built\n",
             static_cast<double>(image.bytes()) / static_cast<double>(image.tasks()));
}
