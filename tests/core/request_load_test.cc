// Who waits until threads have nothing to do is told when they have not, whoever comes first.
#include "core/request_load.h"

#include <gtest/gtest.h>

#include <barrier>
#include <chrono>
#include <thread>

namespace taskledger {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(RequestLoad, CountsWhatAllThreadsAnswered) {
  RequestLoad load(3);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j <= i; ++j) load.slot(i).answered();
  }
  EXPECT_EQ(load.answered(), 6u);
}

TEST(RequestLoad, IsIdleWhileMostThreadsHaveNothingToDo) {
  RequestLoad many(4);
  many.slot(0).waits();
  many.slot(2).waits();
  EXPECT_FALSE(many.is_idle());
  many.slot(3).waits();
  EXPECT_TRUE(many.is_idle());

  RequestLoad load(2);
  EXPECT_FALSE(load.is_idle());
  load.slot(0).waits();
  EXPECT_FALSE(load.is_idle());
  load.slot(1).waits();
  EXPECT_TRUE(load.is_idle());
  load.slot(0).works();
  EXPECT_FALSE(load.is_idle());
}

TEST(RequestLoad, WaitingEndsAtOnceWhereAllAreIdleAndInTimeWhereNot) {
  RequestLoad load(1);
  const auto begin = Clock::now();
  load.wait_until_idle(20ms);
  EXPECT_GE(Clock::now() - begin, 20ms);
  load.slot(0).waits();
  const auto again = Clock::now();
  load.wait_until_idle(60s);
  EXPECT_LT(Clock::now() - again, 30s);
}

// Each round every thread runs out of work once, at about the time when somebody begins to wait: nobody makes good for
// a wake-up that is lost.
TEST(RequestLoad, WaitingEndsWhenTheLastThreadRunsOutOfWork) {
  constexpr int kRounds = 5'000;
  RequestLoad load(2);
  std::barrier begin(3), end(3);
  const auto work = [&](std::size_t number) {
    for (int round = 0; round < kRounds; ++round) {
      load.slot(number).works();
      begin.arrive_and_wait();
      for (volatile int left = (round * 37 + static_cast<int>(number) * 11) % 400; left > 0;) left = left - 1;
      load.slot(number).waits();
      end.arrive_and_wait();
    }
  };
  std::thread one(work, 0), two(work, 1);
  int lost = 0;
  for (int round = 0; round < kRounds; ++round) {
    begin.arrive_and_wait();
    const auto from = Clock::now();
    load.wait_until_idle(lost == 0 ? 10s : 1ms);
    lost += Clock::now() - from >= 5s ? 1 : 0;
    end.arrive_and_wait();
  }
  EXPECT_EQ(lost, 0);
  one.join();
  two.join();
}

}  // namespace
}  // namespace taskledger
