#include "http/rate_limit.h"

#include <gtest/gtest.h>

namespace taskledger::http {
namespace {

constexpr RateLimit kLimit{.rate = 2, .burst = 3};
constexpr std::int64_t kNow = 1'700'000'000'000, kHour = 3'600'000;

TEST(RateLimit, GivesABurstAndThenTheRate) {
  Bucket bucket;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(kLimit, {kNow}));
  EXPECT_FALSE(bucket.take(kLimit, {kNow + 499}));
  EXPECT_TRUE(bucket.take(kLimit, {kNow + 500}));
  EXPECT_FALSE(bucket.take(kLimit, {kNow + 500}));
}

TEST(RateLimit, GoesOnWhereTheClockWasSetBackTo) {
  Bucket bucket;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(kLimit, {kNow}));
  EXPECT_FALSE(bucket.take(kLimit, {kNow - kHour})) << "which adds nothing";
  EXPECT_TRUE(bucket.take(kLimit, {kNow - kHour + 500}));
  EXPECT_FALSE(bucket.take(kLimit, {kNow - kHour + 500}));
}

TEST(RateLimit, AddsNoTimeTwiceWhereThreadsComeInAnotherOrder) {
  Bucket bucket;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(kLimit, {kNow}));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(bucket.take(kLimit, {kNow + i % 2}));
}

}  // namespace
}  // namespace taskledger::http
