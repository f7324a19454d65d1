#include "projections/image/changed_tasks.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace taskledger::projections::test {
namespace {

Uuid uuid(std::uint64_t n) { return uuid_of({n * 0x9e3779b97f4a7c15ull, n}); }

TEST(ChangedTasks, EachIsThereOnceWithWhatWasFirstSaidOfIt) {
  ChangedTasks changed;
  EXPECT_TRUE(changed.empty());
  EXPECT_TRUE(changed.add(uuid(1), {true, 7, 100, 200}));
  EXPECT_TRUE(changed.add(uuid(2), {}));
  EXPECT_FALSE(changed.add(uuid(1), {}));
  ASSERT_EQ(changed.size(), 2u);
  EXPECT_EQ(changed.in_turn()[0].task, uuid(1));
  EXPECT_TRUE(changed.in_turn()[0].before.present);
  EXPECT_EQ(changed.in_turn()[0].before.assignee, 7u);
  EXPECT_EQ(changed.in_turn()[0].before.due, 100);
  EXPECT_EQ(changed.in_turn()[0].before.completed, 200);
  EXPECT_FALSE(changed.in_turn()[1].before.present);
}

TEST(ChangedTasks, AreTakenInTheOrderOfTheirFirstChangeAndNotFoundAfterwards) {
  for (const unsigned seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    ChangedTasks changed;
    std::vector<std::uint64_t> model;
    for (int i = 0; i < 2'000; ++i) {
      const std::uint64_t n = random() % 700;
      const bool there = std::find(model.begin(), model.end(), n) != model.end();
      ASSERT_EQ(changed.contains(uuid(n)), there);
      ASSERT_EQ(changed.add(uuid(n), {}), !there);
      if (!there) model.push_back(n);
    }
    while (!model.empty()) {
      ASSERT_EQ(changed.size(), model.size());
      ASSERT_EQ(changed.take_first().task, uuid(model.front()));
      ASSERT_FALSE(changed.contains(uuid(model.front())));
      model.erase(model.begin());
      if (!model.empty()) {
        ASSERT_TRUE(changed.contains(uuid(model[random() % model.size()])));
      }
    }
    EXPECT_TRUE(changed.empty());
  }
}

}  // namespace
}  // namespace taskledger::projections::test
