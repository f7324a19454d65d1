#include "commands/task_cache.h"

#include "tests/commands/fixture.h"

namespace taskledger::commands::test {
namespace {

constexpr std::size_t kPlenty = 1 << 20;

TaskCache::Key key(std::uint8_t n) { return {WorkspaceNumber{1}, TaskId{uuid_of(n)}}; }
taskledger::Task state(std::uint32_t version) {
  taskledger::Task task;
  task.version = Version{version};
  return task;
}

TEST(TaskCache, TheLeastRecentlyUsedGoFirst) {
  TaskCache cache(2, kPlenty);
  cache.keep(key(1), state(1));
  cache.keep(key(2), state(1));
  EXPECT_TRUE(cache.find(key(1)));
  cache.keep(key(3), state(1));
  EXPECT_TRUE(cache.find(key(1)));
  EXPECT_FALSE(cache.find(key(2)));
  EXPECT_EQ(cache.size(), 2u);
}

TEST(TaskCache, LongTitlesAndManyLinksCountByTheirBytes) {
  TaskCache cache(1'000, 64 << 10);
  auto large = state(1);
  large.fields.title = std::string(2'000, 't');
  large.fields.links.resize(100);
  for (std::uint8_t n = 0; n < 100; ++n) cache.keep(key(n), large);
  EXPECT_LE(cache.bytes(), 64u << 10);
  EXPECT_GE(cache.size(), 10u);
  EXPECT_LE(cache.size(), 16u);
  EXPECT_TRUE(cache.find(key(99)));
  for (std::uint8_t n = 0; n < 100; ++n) cache.keep(key(n), state(1));
  EXPECT_EQ(cache.size(), 100u);
  cache.keep(key(7), large);
  const std::size_t bytes = cache.bytes();
  cache.drop(key(7), cache.find(key(7))->serial);
  EXPECT_LT(cache.bytes() + 4'000, bytes);
}

TEST(TaskCache, WhatIsUnderWayStays) {
  TaskCache cache(1, kPlenty);
  auto& entry = cache.keep(key(1), state(1));
  ++entry.under_way;
  const auto serial = entry.serial;
  cache.keep(key(2), state(1));
  EXPECT_TRUE(cache.find(key(1)));
  cache.settle(key(1), serial);
  cache.keep(key(3), state(1));
  EXPECT_FALSE(cache.find(key(1)));
}

TEST(TaskCache, AnAnswerOfAnEarlierEntryTouchesNoLaterOne) {
  TaskCache cache(10, kPlenty);
  auto& first = cache.keep(key(1), state(1));
  ++first.under_way;
  const auto serial = first.serial;
  cache.drop(key(1), serial);
  auto& second = cache.keep(key(1), state(2));
  ++second.under_way;
  cache.settle(key(1), serial);
  EXPECT_EQ(cache.find(key(1))->under_way, 1u);
  cache.drop(key(1), serial);
  EXPECT_TRUE(cache.find(key(1)));
}

}  // namespace
}  // namespace taskledger::commands::test
