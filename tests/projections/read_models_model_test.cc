// The read models against a naive model: random commands and queries, whole pages compared as JSON, totals exact,
// paging to the end; with restarts, crashes, rebuilds and evictions in between.
#include <gtest/gtest.h>

#include "projections/runner.h"
#include "tests/projections/memory_view_store.h"
#include "tests/projections/world.h"

namespace taskledger::projections {
namespace {

constexpr WorkspaceNumber kFirst{1}, kSecond{2};

void check_list(World& world, Runner& runner, WorkspaceNumber workspace, ListQuery& query) {
  query.after.reset();
  SCOPED_TRACE(describe(query));
  const auto expected = World::expected(world.live[workspace], query);
  std::size_t at = 0;
  for (int pages = 0; pages < 200; ++pages) {
    const auto page = runner.list(workspace, query);
    ASSERT_TRUE(page.has_value()) << page.error().what;
    ASSERT_EQ(page->total, expected.size());
    std::string rows;
    const std::size_t to = std::min(at + query.limit, expected.size());
    for (; at < to; ++at) {
      if (!rows.empty()) rows += ',';
      append_task_json(rows, *expected[at]);
    }
    ASSERT_EQ(*page->rows, rows) << "page " << pages;
    ASSERT_EQ(page->next.has_value(), at < expected.size());
    if (!page->next) return;
    ASSERT_EQ(*page->next, sort_position(*expected[at - 1], query.order));
    if (world.chance(30)) {  // once more, perhaps from the cache of pages
      const auto again = runner.list_at_once(workspace, query);
      if (again) {
        ASSERT_EQ(*again->rows, rows);
        ASSERT_EQ(again->next, page->next);
        ASSERT_EQ(again->total, page->total);
      }
    }
    query.after = page->next;
  }
}

void check_task(World& world, Runner& runner, WorkspaceNumber workspace) {
  for (const auto& [id, task] : world.live[workspace]) {
    if (!world.chance(5)) continue;
    std::string json;
    append_task_json(json, task);
    const auto answer = runner.task(workspace, id, false);
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->json, json);
    ASSERT_EQ(answer->version, task.version);
    json.back() = ',';
    json += R"("linked_entities":)";
    append_links_json(json, task.fields.links);
    json += '}';
    ASSERT_EQ(runner.task(workspace, id, true)->json, json);
  }
  ASSERT_FALSE(runner.task(workspace, {world.uuid()}, true)->found());
}

void check_stats(World& world, Runner& runner, WorkspaceNumber workspace, const StatsQuery& query) {
  const auto stats = runner.stats(workspace, query);
  ASSERT_TRUE(stats.has_value());
  ASSERT_EQ(stats->stats, World::expected(world.live[workspace], query));
}

void check_all(World& world, Runner& runner, WorkspaceNumber workspace, int queries) {
  ASSERT_EQ(runner.passed(), world.log->head().position);
  ASSERT_EQ(runner.position(workspace), world.log->workspace_head(workspace).position);
  for (int i = 0; i < queries; ++i) {
    ListQuery query_once = world.list_query();
    ASSERT_NO_FATAL_FAILURE(check_list(world, runner, workspace, query_once));
    ListQuery& repeated = world.repeated_list_query();
    for (std::uint64_t times = world.pick(4); times > 0; --times) {
      ASSERT_NO_FATAL_FAILURE(check_list(world, runner, workspace, repeated));
    }
    ASSERT_NO_FATAL_FAILURE(check_stats(world, runner, workspace, world.stats_query()));
    for (std::uint64_t times = world.pick(4); times > 0; --times) {
      ASSERT_NO_FATAL_FAILURE(check_stats(world, runner, workspace, world.repeated_stats_query()));
    }
  }
  ASSERT_NO_FATAL_FAILURE(check_task(world, runner, workspace));
}

class ReadModelsModel : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ReadModelsModel, AnswersAsTheNaiveModelDoes) {
  SCOPED_TRACE(testing::Message() << "seed " << GetParam());
  World world(GetParam());
  MemoryViewStore views;
  RunnerOptions options;
  if (world.chance(50)) options.cache_bytes = 1;  // all but the image used last goes as soon as it is clean
  options.persist_interval = std::chrono::milliseconds(world.chance(50) ? 1 : 1'000);
  auto runner = Runner::create(*world.log, views, options);
  ASSERT_TRUE(runner->start().has_value());
  const int rounds = 30;
  std::uint64_t hits = 0, known_hits = 0;  // rounds in which pages came from the cache
  for (int round = 0; round < rounds; ++round) {
    const auto commits = world.chance(20) ? 300 : 40;
    for (int i = 0; i < commits; ++i) world.commit(world.chance(70) ? kFirst : kSecond);
    std::atomic<bool> seen{false};
    runner->when_passed(world.log->head().position, [&] { seen = true; });
    while (!seen) std::this_thread::yield();
    for (const WorkspaceNumber workspace : {kFirst, kSecond}) {
      ASSERT_NO_FATAL_FAILURE(check_all(world, *runner, workspace, 12));
      for (int few = 0; few < 8; ++few) {  // and after each change
        world.commit(workspace);
        std::atomic<bool> known{false};
        runner->when_passed(world.log->head().position, [&] { known = true; });
        while (!known) std::this_thread::yield();
        ListQuery& query = world.repeated_list_query();
        ASSERT_NO_FATAL_FAILURE(check_list(world, *runner, workspace, query));
        ASSERT_NO_FATAL_FAILURE(check_list(world, *runner, workspace, query));
        ASSERT_NO_FATAL_FAILURE(check_list(world, *runner, workspace, query));
      }
    }
    hits += std::exchange(known_hits, runner->kept_pages().hits) < runner->kept_pages().hits;
    const auto event = world.pick(10);
    if (event == 4) {
      ASSERT_TRUE(runner->persist().has_value());
      ASSERT_TRUE(views.flush().has_value());
    }
    if (event > 3) continue;
    if (event != 1) runner->stop();
    const bool rebuilt = event == 2;
    const MemoryViewStore::Content at_crash = views.flushed();
    MemoryViewStore::Table before[3];
    for (int i = 0; i < 3; ++i)
      before[i] = views.rows(std::vector<std::string>{"list", "mode", "stats"}[static_cast<std::size_t>(i)]);
    if (rebuilt) views.set_checkpoint_hash("mode", {});
    if (event == 3)
      for (const char* name : {"list", "mode", "stats"}) views.set_checkpoint_hash(name, {});
    runner.reset();
    if (event == 1) views.restore(at_crash);
    runner = Runner::create(*world.log, views, options);
    const auto started = runner->start();
    ASSERT_TRUE(started.has_value()) << started.error().what;
    if (rebuilt || event == 3) {  // row for row what the changes had left
      ASSERT_EQ(views.rows("list"), before[0]);
      ASSERT_EQ(views.rows("mode"), before[1]);
      ASSERT_EQ(views.rows("stats"), before[2]);
    }
  }
  EXPECT_GT(hits, 5u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReadModelsModel, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace taskledger::projections
