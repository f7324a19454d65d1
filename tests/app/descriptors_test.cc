#include "app/descriptors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>

namespace taskledger::app {
namespace {

TEST(Descriptors, ConnectionsLeaveRoomForFiles) {
  EXPECT_EQ(connections_within(65'536, 10'000), 10'000u);
  EXPECT_EQ(connections_within(10'512, 10'000), 10'000u);
  EXPECT_EQ(connections_within(10'511, 10'000), 9'999u);
  EXPECT_EQ(connections_within(1'024, 10'000), 512u);
  EXPECT_EQ(connections_within(256, 10'000), 128u);
  EXPECT_EQ(connections_within(256, 100), 100u);
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
