#include "commands/task_cache.h"

#include "tests/commands/fixture.h"

namespace taskledger::commands::test {
namespace {

TaskCache::Key key(std::uint8_t n) { return {WorkspaceNumber{1}, TaskId{uuid_of(n)}}; }
taskledger::Task state(std::uint32_t version) {
  taskledger::Task task;
  task.version = Version{version};
  return task;
}

TEST(TaskCache, TheLeastRecentlyUsedGoFirst) {
  TaskCache cache(2);
  cache.keep(key(1), state(1));
  cache.keep(key(2), state(1));
  EXPECT_TRUE(cache.find(key(1)));
  cache.keep(key(3), state(1));
  EXPECT_TRUE(cache.find(key(1)));
  EXPECT_FALSE(cache.find(key(2)));
  EXPECT_EQ(cache.size(), 2u);
}

TEST(TaskCache, WhatIsUnderWayStays) {
  TaskCache cache(1);
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
  TaskCache cache(10);
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
