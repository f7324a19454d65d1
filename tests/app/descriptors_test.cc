#include "app/descriptors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>

namespace taskledger::app {
namespace {

TEST(Descriptors, ConnectionsLeaveRoomForFiles) {
  using Both = Connections;
  EXPECT_EQ(connections_within(65'536, {10'000, 256}), (Both{10'000, 256}));
  EXPECT_EQ(connections_within(10'768, {10'000, 256}), (Both{10'000, 256}));
  EXPECT_EQ(connections_within(10'767, {10'000, 256}), (Both{9'999, 256}));
  EXPECT_EQ(connections_within(10'767, {10'000, 255}), (Both{10'000, 255}));
  EXPECT_EQ(connections_within(10'000, {10'000, 5'000}), (Both{6'988, 2'500}));
  EXPECT_EQ(connections_within(1'024, {10'000, 256}), (Both{512, 256}));
  EXPECT_EQ(connections_within(256, {10'000, 256}), (Both{128, 64}));
  EXPECT_EQ(connections_within(256, {100, 10}), (Both{100, 10}));
}

TEST(Descriptors, TheLimitIsRaisedAsFarAsItMay) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = std::min<rlim_t>(before.rlim_max, 256);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace taskledger::app
