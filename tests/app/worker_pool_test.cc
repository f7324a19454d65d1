// WorkerPool: does what it took, turns away what it cannot hold, and drops what waits when it stops.
#include "app/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>

namespace taskledger::app {
namespace {

TEST(WorkerPool, DoesWhatItTook) {
  std::atomic<int> done = 0;
  std::promise<void> last;
  WorkerPool pool(3, 1000);
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(pool.post(
        [&] {
          if (++done == 500) last.set_value();
        },
        [] { FAIL() << "nobody has stopped it"; }));
  }
  last.get_future().wait();
}

// Each job that was taken is run or dropped, and whatever it holds is gone after either.
TEST(WorkerPool, DropsWhatWaitsWhenItStops) {
  constexpr int kJobs = 100;
  std::atomic<int> ran = 0, dropped = 0;
  std::promise<void> started, released;
  const auto held = std::make_shared<int>();
  WorkerPool pool(1, kJobs);
  ASSERT_TRUE(pool.post(
      [&, held] {
        started.set_value();
        released.get_future().wait();
      },
      [] { FAIL() << "it was under way"; }));
  started.get_future().wait();
  for (int i = 0; i < kJobs; ++i) ASSERT_TRUE(pool.post([&, held] { ++ran; }, [&, held] { ++dropped; }));
  auto stopped = std::async(std::launch::async, [&] { pool.stop(); });
  while (dropped < kJobs) std::this_thread::yield();
  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(0)), std::future_status::timeout) << "one is under way";
  released.set_value();
  stopped.get();
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(dropped, kJobs);
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(pool.post([] {}, [] { FAIL() << "it was never taken"; })) << "it has stopped";
}

TEST(WorkerPool, TurnsAwayWhatDoesNotFit) {
  std::promise<void> started, released;
  std::atomic<int> done = 0;
  const auto post = [&](WorkerPool& pool) { return pool.post([&] { ++done; }, [&] { ++done; }); };
  WorkerPool pool(1, 2);
  ASSERT_TRUE(pool.post(
      [&] {
        started.set_value();
        released.get_future().wait();
      },
      [] {}));
  started.get_future().wait();
  EXPECT_TRUE(post(pool));
  EXPECT_TRUE(post(pool));
  EXPECT_FALSE(post(pool));
  released.set_value();
  pool.stop();
  EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace taskledger::app
