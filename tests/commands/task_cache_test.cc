#include "commands/task_cache.h"

#include <algorithm>
#include <deque>
#include <random>

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
  cache.drop(cache.find(key(7))->place, cache.find(key(7))->serial);
  EXPECT_LT(cache.bytes() + 3'500, bytes);
}

TEST(TaskCache, WhatIsUnderWayStays) {
  TaskCache cache(1, kPlenty);
  auto& entry = cache.keep(key(1), state(1));
  ++entry.under_way;
  const auto place = entry.place;
  const auto serial = entry.serial;
  cache.keep(key(2), state(1));
  EXPECT_TRUE(cache.find(key(1)));
  cache.settle(place, serial);
  cache.keep(key(3), state(1));
  EXPECT_FALSE(cache.find(key(1)));
}

TEST(TaskCache, AnAnswerOfAnEarlierEntryTouchesNoLaterOne) {
  TaskCache cache(10, kPlenty);
  auto& first = cache.keep(key(1), state(1));
  ++first.under_way;
  const auto place = first.place;
  const auto serial = first.serial;
  cache.drop(place, serial);
  auto& second = cache.keep(key(1), state(2));
  ++second.under_way;
  cache.settle(place, serial);
  EXPECT_EQ(cache.find(key(1))->under_way, 1u);
  cache.drop(place, serial);
  EXPECT_TRUE(cache.find(key(1)));
}

// Against a list of pairs, with commands of every kind in any order.
TEST(TaskCache, HoldsWhatASimpleListHolds) {
  for (const unsigned seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    struct Held {
      TaskCache::Key key;
      std::uint32_t version, under_way;
      TaskCache::Place place;
      std::uint64_t serial;
    };
    constexpr std::size_t kCapacity = 20;
    TaskCache cache(kCapacity, kPlenty);
    std::deque<Held> model;  // most recently used first
    const auto held = [&](const TaskCache::Key& of) {
      return std::find_if(model.begin(), model.end(), [&](const Held& one) { return one.key == of; });
    };
    const auto use = [&](std::deque<Held>::iterator at) {
      const Held one = *at;
      model.erase(at);
      model.push_front(one);
    };
    for (std::uint32_t step = 1; step < 20'000; ++step) {
      const TaskCache::Key of{WorkspaceNumber{static_cast<std::uint32_t>(1 + random() % 2)},
                              TaskId{uuid_of(static_cast<std::uint8_t>(random() % 40))}};
      const auto at = held(of);
      switch (random() % 5) {
        case 0:
        case 1: {
          auto kept = state(step);
          kept.fields.title = std::string(random() % 60, 'x');
          const auto& entry = cache.keep(of, kept);
          if (at != model.end()) {
            EXPECT_EQ(entry.serial, at->serial);
            at->version = step;
            use(at);
          } else {
            model.push_front({of, step, 0, entry.place, entry.serial});
          }
          EXPECT_EQ(entry.state, kept);
          for (std::size_t i = model.size(); i-- > 1 && model.size() > kCapacity;) {
            if (model[i].under_way == 0) model.erase(model.begin() + static_cast<std::ptrdiff_t>(i));
          }
          break;
        }
        case 2: {
          auto* entry = cache.find(of);
          ASSERT_EQ(entry != nullptr, at != model.end());
          if (entry == nullptr) break;
          EXPECT_EQ(entry->state.version.value, at->version);
          ++entry->under_way, ++at->under_way;
          use(at);
          break;
        }
        case 3:
          if (at == model.end()) break;
          cache.settle(at->place, at->serial);
          if (at->under_way > 0) --at->under_way;
          break;
        case 4:
          if (at == model.end() || at->under_way > 0) break;
          cache.drop(at->place, at->serial - random() % 2 * 1'000'000);
          if (cache.size() < model.size()) model.erase(at);
          break;
      }
      ASSERT_EQ(cache.size(), model.size());
    }
    for (const Held& one : std::deque<Held>(model)) EXPECT_EQ(cache.find(one.key)->state.version.value, one.version);
  }
}

}  // namespace
}  // namespace taskledger::commands::test
