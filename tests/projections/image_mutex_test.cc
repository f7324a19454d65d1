// Who waits for whom at an image: brief reads are the io threads' and must not wait for a long one by way of a writer.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <shared_mutex>
#include <thread>

#include "projections/workspaces.h"

namespace taskledger::projections {
namespace {

using namespace std::chrono_literals;

TEST(ImageMutex, ABriefReadPassesAWriterThatWaitsForALongOne) {
  ImageMutex mutex;
  std::shared_lock long_read(mutex);
  std::atomic<bool> written = false;
  std::thread writer([&] {
    const std::lock_guard lock(mutex);
    written = true;
  });
  // The writer waits from when another long read is held up behind it, so that writers are not starved.
  std::future<void> other;
  bool held_up = false;
  for (int i = 0; i < 200 && !held_up; ++i) {
    other = std::async(std::launch::async, [&] { const std::shared_lock lock(mutex); });
    held_up = other.wait_for(50ms) == std::future_status::timeout;
  }
  EXPECT_TRUE(held_up);
  auto brief = std::async(std::launch::async, [&] { const std::shared_lock lock(mutex.brief()); });
  EXPECT_EQ(brief.wait_for(5s), std::future_status::ready);
  EXPECT_FALSE(written);
  long_read.unlock();
  writer.join();
  other.wait();
  EXPECT_TRUE(written);
}

TEST(ImageMutex, AWriterIsAlone) {
  ImageMutex mutex;
  {
    const std::shared_lock brief(mutex.brief());
    EXPECT_FALSE(mutex.try_lock());
  }
  {
    const std::shared_lock long_read(mutex);
    EXPECT_FALSE(mutex.try_lock());
  }
  ASSERT_TRUE(mutex.try_lock());
  auto brief = std::async(std::launch::async, [&] { const std::shared_lock lock(mutex.brief()); });
  auto long_read = std::async(std::launch::async, [&] { const std::shared_lock lock(mutex); });
  EXPECT_EQ(brief.wait_for(30ms), std::future_status::timeout);
  EXPECT_EQ(long_read.wait_for(30ms), std::future_status::timeout);
  mutex.unlock();
  brief.wait(), long_read.wait();
}

}  // namespace
}  // namespace taskledger::projections
