// Lists and stats of the past against a naive fold of everything that happened: random histories with imports that come
// out of order, deletions, restorations and erasures; instants before, within and at the end of them.
#include "projections/past/past_reads.h"

#include <gtest/gtest.h>

#include <thread>

#include "projections/runner.h"
#include "tests/projections/memory_view_store.h"
#include "tests/projections/world.h"

namespace taskledger::projections {
namespace {

constexpr WorkspaceNumber kFirst{1}, kSecond{2};

class PastModel : public testing::TestWithParam<std::tuple<std::uint64_t, PastWay::Way>> {
 protected:
  void start(PastOptions options) {
    options.way = {std::get<1>(GetParam()), 16};
    runner = Runner::create(*world.log, views, {});
    past = std::make_unique<PastReads>(
        *world.log, *runner, [this] { return Timestamp{world.now().ms + 1}; }, options);
    ASSERT_TRUE(runner->start().has_value());
  }
  void commit(int count) {
    for (int i = 0; i < count; ++i) world.commit(world.chance(70) ? kFirst : kSecond);
    std::atomic<bool> seen{false};
    runner->when_passed(world.log->head().position, [&] { seen = true; });
    while (!seen) std::this_thread::yield();
  }
  Timestamp instant() {
    if (world.chance(10)) return {kStart - 1};
    if (world.chance(20)) return world.now();
    return {kStart + static_cast<std::int64_t>(world.pick(static_cast<std::uint64_t>(world.now().ms - kStart) + 1))};
  }
  void check_list(WorkspaceNumber workspace, Timestamp at, const World::Tasks& then) {
    ListQuery query = world.list_query();
    query.now = at;
    query.today = {{at.ms - 40'000'000}, {at.ms + 46'400'000}};
    SCOPED_TRACE(describe(query));
    const auto expected = World::expected(then, query);
    for (std::size_t from = 0;;) {
      const auto page = past->list(workspace, query);
      ASSERT_TRUE(page.has_value()) << page.error().what;
      ASSERT_EQ(page->total, expected.size());
      std::string rows;
      for (const std::size_t to = std::min(from + query.limit, expected.size()); from < to; ++from) {
        if (!rows.empty()) rows += ',';
        append_task_json(rows, *expected[from]);
      }
      ASSERT_EQ(*page->rows, rows);
      ASSERT_EQ(page->next.has_value(), from < expected.size());
      ASSERT_EQ(page->position, world.log->workspace_head(workspace).position);
      if (!page->next) return;
      query.after = page->next;
    }
  }
  void check_stats(WorkspaceNumber workspace, Timestamp at, const World::Tasks& then) {
    StatsQuery query = world.stats_query();
    query.now = at;
    const auto stats = past->stats(workspace, query);
    ASSERT_TRUE(stats.has_value()) << stats.error().what;
    ASSERT_EQ(stats->stats, World::expected(then, query));
  }

  World world{std::get<0>(GetParam())};
  MemoryViewStore views;
  std::unique_ptr<Runner> runner;
  std::unique_ptr<PastReads> past;
};

TEST_P(PastModel, AnswersAsANaiveFoldDoes) {
  SCOPED_TRACE(testing::Message() << "seed " << std::get<0>(GetParam()));
  PastOptions options;
  if (world.chance(50)) options.cache_bytes = 1;
  start(options);
  for (int round = 0; round < 14; ++round) {
    world.imports = world.chance(60);
    commit(world.chance(20) ? 2000 : 60);
    if (world.chance(50)) world.erase(kFirst);
    commit(1);
    for (int i = 0; i < 6; ++i) {
      const WorkspaceNumber workspace = world.chance(80) ? kFirst : kSecond;
      const Timestamp at = instant();
      SCOPED_TRACE(testing::Message() << "round " << round << " instant " << at.ms);
      const World::Tasks then = world.as_of(workspace, at);
      for (int k = 0; k < 4; ++k) {
        ASSERT_NO_FATAL_FAILURE(check_list(workspace, at, then));
        ASSERT_NO_FATAL_FAILURE(check_stats(workspace, at, then));
      }
    }
  }
}

TEST_P(PastModel, AnInstantIsFoldedOnceHoweverManyAskAndWhateverIsAppendedMeanwhile) {
  start({});
  commit(6000);  // enough for a fold of two threads
  const Timestamp at{(kStart + world.now().ms) / 2};
  const World::Tasks then = world.as_of(kFirst, at);
  StatsQuery query;
  query.now = at;
  query.day = query.week = {{kStart}, at};
  const Stats expected = World::expected(then, query);
  std::atomic<int> right{0};
  std::vector<std::jthread> asking;
  for (int i = 0; i < 4; ++i) {
    asking.emplace_back([&] {
      for (int k = 0; k < 20; ++k) right += past->stats(kFirst, query).value().stats == expected;
    });
  }
  commit(300);
  asking.clear();
  EXPECT_EQ(right, 80);
  EXPECT_EQ(past->images_built(), 1u);
  EXPECT_GT(past->bytes(), 0u);
}

TEST_P(PastModel, TheLeastRecentlyUsedInstantsGoAndAnErasureLeavesNone) {
  start({.cache_bytes = 1, .way = {}});
  commit(400);
  const auto ask = [&](std::int64_t after_start) {
    StatsQuery query;
    query.now = {kStart + after_start};
    return past->stats(kFirst, query).has_value();
  };
  EXPECT_TRUE(ask(1000) && ask(1000) && ask(2000));
  EXPECT_EQ(past->images_built(), 2u);
  EXPECT_TRUE(ask(2000) && ask(1000));
  EXPECT_EQ(past->images_built(), 3u) << "the first had to go";
  for (int i = 0; i < 20; ++i) world.erase(kFirst);
  EXPECT_EQ(past->bytes(), 0u);
  EXPECT_TRUE(ask(1000));
  EXPECT_EQ(past->images_built(), 4u);
  past->stop();
  EXPECT_TRUE(ask(1000)) << "what is there can be read";
  EXPECT_FALSE(ask(2000)) << "but nothing is folded any more";
}

TEST_P(PastModel, WhatIsKeptIsCountedAsWhatItTakes) {
  constexpr std::size_t kBytes = 64 << 10;
  start({.cache_bytes = kBytes, .way = {}});
  commit(50);
  const std::int64_t last = world.log->workspace_head(kFirst).time.ms - kStart;
  const auto ask = [&](std::int64_t after_start) {
    StatsQuery query;
    query.now = {kStart + after_start};
    return past->stats(kFirst, query).has_value();
  };
  for (std::int64_t i = 1; i <= 100; ++i) ASSERT_TRUE(ask(-i));
  EXPECT_GE(past->bytes(), 100 * sizeof(std::pair<WorkspaceNumber, Timestamp>));
  EXPECT_LE(past->bytes(), 100 * 512) << "before the first event there is nothing: one image of it";
  const std::size_t before = past->bytes();
  ASSERT_TRUE(ask(last - 1));
  EXPECT_GE(past->bytes() - before, sizeof(Image));
  for (std::int64_t i = 1; i <= 100; ++i) {
    ASSERT_TRUE(ask(last - 1 - i));
    ASSERT_LE(past->bytes(), kBytes);
  }
  const std::uint64_t built = past->images_built();
  ASSERT_TRUE(ask(last - 1 - 100));
  EXPECT_EQ(past->images_built(), built) << "used last, still there";
}

// Changes of what is copied, between its pieces: what was deleted and restored into another row, above all.
TEST_P(PastModel, AnImageIsOfItsInstantWhateverIsWrittenWhileItIsMade) {
  start({.cache_bytes = 1, .way = {}});
  commit(1500);
  std::atomic<bool> done{false};
  for (int round = 0; round < 12; ++round) {
    const Timestamp at = std::min(instant(), Timestamp{world.now().ms - 1});
    const World::Tasks then = world.as_of(kFirst, at);
    done = false;
    std::jthread asking([&] {
      ListQuery query;
      query.now = at;
      query.limit = 100;
      const auto expected = World::expected(then, query);
      for (int k = 0; k < 3; ++k) {
        std::string rows;
        for (std::size_t i = 0; i < std::min<std::size_t>(100, expected.size()); ++i)
          append_task_json(rows.append(i > 0 ? "," : ""), *expected[i]);
        const auto page = past->list(kFirst, query);
        EXPECT_TRUE(page && page->total == expected.size() && *page->rows == rows) << "round " << round;
        StatsQuery other;  // another instant takes the first one's place
        other.now.ms = kStart - 1 - k;
        EXPECT_TRUE(past->stats(kFirst, other).has_value());
      }
      done = true;
    });
    for (int written = 0; !done && written < 200; ++written) commit(1);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PastModel,
                         testing::Combine(testing::Range<std::uint64_t>(1, 5),
                                          testing::Values(PastWay::cheapest, PastWay::fold, PastWay::streams,
                                                          PastWay::scan, PastWay::scan_and_streams)));

}  // namespace
}  // namespace taskledger::projections
