// When groups wait for each other: never without readers, and no longer than it takes threads to run out of work.
#include "storage/group_pace.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace taskledger::storage {
namespace {

using namespace std::chrono_literals;

class GroupPaceTest : public testing::Test {
 protected:
  // Groups of `commits` every 400 us, while so many requests are answered besides those of the group before.
  void groups(int count, std::size_t commits, std::size_t others) {
    for (int i = 0; i < count; ++i) {
      for (std::size_t j = 0; j < others + last_; ++j) load->slot(j % 2).answered();
      pace.begin(now += 400us, commits);
      last_ = commits;
    }
  }
  std::shared_ptr<RequestLoad> load = std::make_shared<RequestLoad>(2);
  GroupPace pace{1000us, load};
  GroupPace::Time now = std::chrono::steady_clock::now();

 private:
  std::size_t last_ = 0;
};

TEST_F(GroupPaceTest, GroupsAreApartWhereMostRequestsWriteNothing) {
  groups(50, 3, 27);
  EXPECT_EQ(pace.hold(now), 1000us);
  EXPECT_EQ(pace.hold(now + 400us), 600us);
  EXPECT_EQ(pace.hold(now + 1000us), 0us);
  EXPECT_EQ(pace.hold(now + 5s), 0us);
}

TEST_F(GroupPaceTest, WritersAmongThemselvesWaitForNobody) {
  groups(50, 28, 0);
  EXPECT_EQ(pace.hold(now), 0us);
  groups(50, 10, 20);
  EXPECT_EQ(pace.hold(now), 0us);
}

TEST_F(GroupPaceTest, NorWhereLargeAndSmallGroupsTakeTurns) {
  for (int i = 0; i < 30; ++i) {
    groups(1, 28, 0);
    EXPECT_EQ(pace.hold(now), 0us);
    groups(1, 1, 0);
    EXPECT_EQ(pace.hold(now), 0us);
    groups(1, 2, 0);
    EXPECT_EQ(pace.hold(now), 0us);
  }
}

TEST_F(GroupPaceTest, WhatChangesIsNoticedWithinSomeGroups) {
  groups(50, 3, 27);
  groups(40, 28, 0);
  EXPECT_EQ(pace.hold(now), 0us);
  groups(60, 3, 27);
  EXPECT_EQ(pace.hold(now), 1000us);
}

TEST_F(GroupPaceTest, APauseWithManyReadsWeighsNoMoreThanAGroupBesideThem) {
  groups(50, 28, 0);
  groups(1, 1, 1'000'000);
  EXPECT_EQ(pace.hold(now), 0us);
}

TEST_F(GroupPaceTest, WaitsUntilThreadsHaveNothingToDo) {
  GroupPace slow{std::chrono::hours(1), load};
  for (int i = 0; i < 50; ++i) {
    for (int j = 0; j < 30; ++j) load->slot(0).answered();
    slow.begin(std::chrono::steady_clock::now(), 3);
  }
  ASSERT_GT(slow.hold(std::chrono::steady_clock::now()), 30min);
  load->slot(0).waits();
  std::thread last([&] { load->slot(1).waits(); });
  slow.wait();
  last.join();
}

TEST_F(GroupPaceTest, NobodyWaitsWithoutALoadOrAnInterval) {
  GroupPace alone{1000us, nullptr}, none{0us, load};
  for (int i = 0; i < 50; ++i) {
    for (int j = 0; j < 30; ++j) load->slot(0).answered();
    alone.begin(now, 1), none.begin(now, 1);
  }
  EXPECT_EQ(alone.hold(now), 0us);
  EXPECT_EQ(none.hold(now), 0us);
}

}  // namespace
}  // namespace taskledger::storage
