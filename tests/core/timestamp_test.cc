#include "core/timestamp.h"

#include <cctz/civil_time.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <random>

namespace taskledger {
namespace {

TEST(Timestamp, WritesWholeSecondsWithoutAFraction) {
  EXPECT_EQ(to_rfc3339({0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339({1'742'029'200'000}), "2025-03-15T09:00:00Z");
  EXPECT_EQ(to_rfc3339({951'782'400'000}), "2000-02-29T00:00:00Z");
  EXPECT_EQ(to_rfc3339({4'107'542'400'000}), "2100-03-01T00:00:00Z");
}

TEST(Timestamp, WritesThreeDigitsOtherwise) {
  EXPECT_EQ(to_rfc3339({1}), "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(to_rfc3339({1'742'029'200'120}), "2025-03-15T09:00:00.120Z");
  EXPECT_EQ(to_rfc3339(kMaxTimestamp), "9999-12-31T23:59:59.999Z");
}

TEST(Timestamp, AppendsAndWritesTheSame) {
  std::string out = "at ";
  append_rfc3339(out, {999});
  EXPECT_EQ(out, "at 1970-01-01T00:00:00.999Z");
  char text[24];
  EXPECT_EQ(write_rfc3339(text, {1000}), 20u);
  EXPECT_EQ(std::string_view(text, 20), "1970-01-01T00:00:01Z");
  EXPECT_EQ(write_rfc3339(text, {1001}), 24u);
}

TEST(Timestamp, ReadsWhatItWritesAndNothingElse) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20'000; ++i) {
    Timestamp time{static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(kMaxTimestamp.ms + 1))};
    if (i % 2 == 0) time.ms -= time.ms % 1000;
    EXPECT_EQ(read_rfc3339(to_rfc3339(time)), time) << to_rfc3339(time);
  }
  EXPECT_EQ(read_rfc3339(to_rfc3339(kMaxTimestamp)), kMaxTimestamp);
  for (const char* other :
       {"", "2025-03-15", "2025-03-15T09:00:00", "2025-03-15t09:00:00Z", "2025-03-15T09:00:00z", "2025-02-30T09:00:00Z",
        "2025-13-01T09:00:00Z", "2025-03-15T24:00:00Z", "2025-03-15T09:60:00Z", "2025-03-15T09:00:60Z",
        "1969-12-31T23:59:59Z", "2025-03-15T09:00:00.12Z", "2025-03-15T09:00:00,123Z", "2025-03-15T09:00:00.1234Z",
        "2025-03-15T09:00:00.1x3Z", "+025-03-15T09:00:00Z", "2025-03-15T09:00:00+01:00", "2025-03-15T0a:00:00Z"})
    EXPECT_FALSE(read_rfc3339(other)) << other;
}

TEST(Timestamp, OutOfRangeStaysWellFormed) {
  EXPECT_EQ(to_rfc3339({-1}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339({kMaxTimestamp.ms + 1}), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(to_rfc3339({std::numeric_limits<std::int64_t>::max()}), "9999-12-31T23:59:59.999Z");
}

TEST(Timestamp, EveryDayHasItsDate) {
  cctz::civil_day day(1970, 1, 1);
  for (std::int64_t ms = 0; ms < kMaxTimestamp.ms; ms += 86'400'000, ++day) {
    char date[32];
    std::snprintf(date, sizeof date, "%04d-%02d-%02dT00:00:00Z", static_cast<int>(day.year()), day.month(), day.day());
    ASSERT_EQ(to_rfc3339({ms}), date);
  }
}

TEST(Timestamp, RandomInstantsAgreeWithTheCalendar) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> instants(0, kMaxTimestamp.ms);
  for (int round = 0; round < 20'000; ++round) {
    const std::int64_t ms = instants(random);
    const cctz::civil_second civil = cctz::civil_second(1970, 1, 1) + ms / 1000;
    char text[64];
    int size = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", static_cast<int>(civil.year()),
                             civil.month(), civil.day(), civil.hour(), civil.minute(), civil.second());
    if (ms % 1000) size += std::snprintf(text + size, sizeof text - size, ".%03d", static_cast<int>(ms % 1000));
    ASSERT_EQ(to_rfc3339({ms}), std::string(text, size) + "Z");
  }
}

}  // namespace
}  // namespace taskledger
