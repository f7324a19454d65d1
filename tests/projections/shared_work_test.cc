// Work shared with threads that are free: every part once, whoever asks and however many do; what a part throws.
#include "projections/list/shared_work.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace taskledger::projections {
namespace {

TEST(SharedWork, DoesEveryPartOnce) {
  for (const std::size_t parts : {0, 1, 2, 3, 100, 5'000}) {
    std::vector<std::atomic<int>> done(parts);
    share_work(parts, [&](std::size_t part) { ++done[part]; });
    for (const auto& times : done) ASSERT_EQ(times, 1);
  }
}

TEST(SharedWork, IsDoneWhenItReturnsForSeveralAtOnce) {
  std::vector<std::thread> askers;
  for (int asker = 0; asker < 4; ++asker) {
    askers.emplace_back([] {
      for (int round = 0; round < 500; ++round) {
        std::vector<int> done(1 +
                              static_cast<std::size_t>(round % 7));  // gone after the call: a late helper must not come
        share_work(done.size(), [&](std::size_t part) { done[part] = 1; });
        for (const int one : done) ASSERT_EQ(one, 1);
      }
    });
  }
  for (auto& asker : askers) asker.join();
}

TEST(SharedWork, IsShared) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one core: nobody to share with";
  std::atomic<int> inside{0};
  share_work(2, [&](std::size_t) {  // each waits for the other
    ++inside;
    while (inside < 2) std::this_thread::yield();
  });
  EXPECT_EQ(inside, 2);
}

TEST(SharedWork, ThrowsWhatAPartThrewAndGoesOnAfterwards) {
  std::atomic<int> done{0};
  const auto work = [&](std::size_t part) {
    if (part == 3) throw std::runtime_error("part 3");
    ++done;
  };
  for (int round = 0; round < 50; ++round) EXPECT_THROW(share_work(10, work), std::runtime_error);
  done = 0;
  share_work(3, work);
  EXPECT_EQ(done, 3);
}

}  // namespace
}  // namespace taskledger::projections
