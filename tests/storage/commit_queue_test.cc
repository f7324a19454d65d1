// The appender's queue: what was answered is destroyed soon, by those who push where there is somebody who does.
#include "storage/commit_queue.h"

#include <gtest/gtest.h>

#include <memory>

namespace taskledger::storage {
namespace {

// Alive as long as the commit that it came with.
PendingCommit pending(const std::shared_ptr<int>& witness, std::size_t payload_bytes = 10) {
  PendingCommit one;
  one.commit.records.push_back(
      {.stream = {}, .type = 1, .payload = std::string(payload_bytes, 'x'), .time = {}, .id = {}, .trace = {}});
  one.done = [witness](const EventLog::Appending&) {};
  one.bytes = size_of(one.commit);
  return one;
}

class CommitQueueTest : public testing::Test {
 protected:
  CommitQueue queue_{100, std::size_t{64} << 20};
  std::vector<PendingCommit> taken_;

  void push(const std::shared_ptr<int>& witness, std::size_t payload_bytes = 10) {
    auto one = pending(witness, payload_bytes);
    ASSERT_TRUE(queue_.push(one).has_value());
  }
  void take(std::size_t expected) {
    ASSERT_TRUE(queue_.take(taken_));
    ASSERT_EQ(taken_.size(), expected);
  }
};

TEST_F(CommitQueueTest, WhatWasAnsweredIsGoneBeforeMoreIsWaitedFor) {
  const auto first = std::make_shared<int>(), second = std::make_shared<int>(), third = std::make_shared<int>();
  for (int i = 0; i < 90; ++i) push(first, 10'000);  // too much to be left to who pushes
  take(90);
  queue_.release({90, 0, 0});
  push(second);
  bool held = false;
  const auto hold = [&] {
    held = true;
    EXPECT_EQ(first.use_count(), 1);
    push(third);  // comes along
  };
  ASSERT_TRUE(queue_.take(taken_, hold));
  EXPECT_TRUE(held);
  EXPECT_EQ(taken_.size(), 2u);
  queue_.close();
  EXPECT_FALSE(queue_.take(taken_, [] { ADD_FAILURE() << "nothing is waited for any more"; }));
}

TEST_F(CommitQueueTest, WhatWasAnsweredGoesWithTheNextPush) {
  const auto first = std::make_shared<int>(), second = std::make_shared<int>(), third = std::make_shared<int>();
  push(first);
  push(first);
  take(2);
  push(second);
  EXPECT_EQ(first.use_count(), 3) << "still being answered";
  take(1);  // the first two are answered
  EXPECT_EQ(first.use_count(), 3);
  push(third);
  EXPECT_EQ(first.use_count(), 1);
  EXPECT_EQ(second.use_count(), 2);
}

TEST_F(CommitQueueTest, LargeOnesGoAtOnce) {
  const auto large = std::make_shared<int>(), next = std::make_shared<int>();
  push(large, std::size_t{2} << 20);
  take(1);
  push(next);
  take(1);
  EXPECT_EQ(large.use_count(), 1);
}

TEST_F(CommitQueueTest, NoMoreThanOneGroupIsKept) {
  const auto first = std::make_shared<int>(), second = std::make_shared<int>(), third = std::make_shared<int>();
  push(first);
  take(1);
  push(second);
  push(third);
  take(2);
  queue_.close();
  EXPECT_FALSE(queue_.take(taken_)) << "closed and empty";
  for (const auto& one : {first, second, third}) EXPECT_EQ(one.use_count(), 2) << "here, and in this list";
  EXPECT_TRUE(taken_.empty());
}

TEST_F(CommitQueueTest, NothingComesBackAfterItWasTaken) {
  const auto witness = std::make_shared<int>();
  for (int round = 0; round < 5; ++round) {
    push(witness);
    take(1);
  }
  queue_.close();
  EXPECT_FALSE(queue_.take(taken_));
}

}  // namespace
}  // namespace taskledger::storage
