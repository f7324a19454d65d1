// Who waits until threads have nothing to do is told when they have not, whoever comes first.
#include "core/request_load.h"

#include <gtest/gtest.h>

#include <atomic>
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

TEST(RequestLoad, IsIdleWhileNoThreadHasAnythingToDo) {
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

TEST(RequestLoad, WaitingEndsWhenTheLastThreadRunsOutOfWork) {
  RequestLoad load(2);
  std::atomic<bool> over = false;
  const auto work = [&](std::size_t number) {
    for (unsigned i = 0; !over; ++i) {
      load.slot(number).works();
      if (i % 3 == 0) std::this_thread::yield();
      load.slot(number).waits();
      if (i % 5 == 0) std::this_thread::yield();
    }
  };
  std::thread one(work, 0), two(work, 1);
  for (int i = 0; i < 20'000 && !over; ++i) {
    const auto begin = Clock::now();
    load.wait_until_idle(10s);
    if (Clock::now() - begin >= 5s) {
      ADD_FAILURE() << "a wake-up was lost, round " << i;
      over = true;
    }
  }
  over = true;
  one.join();
  two.join();
}

}  // namespace
}  // namespace taskledger
