// WorkerPool: does what it took, turns away what it cannot hold.
#include "app/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace taskledger::app {
namespace {

TEST(WorkerPool, DoesAllThatWasQueuedBeforeItStops) {
  std::atomic<int> done = 0;
  WorkerPool pool(3, 1000);
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(pool.post([&] { ++done; }));
  pool.stop();
  EXPECT_EQ(done, 500);
  EXPECT_FALSE(pool.post([] {})) << "it has stopped";
}

TEST(WorkerPool, TurnsAwayWhatDoesNotFit) {
  std::promise<void> started, released;
  WorkerPool pool(1, 2);
  ASSERT_TRUE(pool.post([&] {
    started.set_value();
    released.get_future().wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(pool.post([] {}));
  EXPECT_TRUE(pool.post([] {}));
  EXPECT_FALSE(pool.post([] {}));
  released.set_value();
}

}  // namespace
}  // namespace taskledger::app
