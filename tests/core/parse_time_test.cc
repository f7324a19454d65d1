#include <gtest/gtest.h>

#include <random>

#include "core/time_zone.h"

namespace taskledger {
namespace {

TimeZone zone(std::string_view name) { return TimeZone::load(name).value(); }

// "instant …" or "day BEGIN END due DUE"; "refused".
std::string read(std::string_view text, std::string_view name = "UTC") {
  const auto input = parse_time(text, zone(name));
  if (!input) return "refused";
  if (!input->whole_day) return to_rfc3339(input->at);
  return "day " + to_rfc3339(input->day.begin) + " " + to_rfc3339(input->day.end) + " due " +
         to_rfc3339(input->as_due());
}

TEST(ParseTime, WithAnOffset) {
  EXPECT_EQ(read("2025-03-15T09:00:00Z"), "2025-03-15T09:00:00Z");
  EXPECT_EQ(read("2025-03-15t09:00:00z"), "2025-03-15T09:00:00Z");
  EXPECT_EQ(read("2025-03-15 09:00:00Z"), "2025-03-15T09:00:00Z");
  EXPECT_EQ(read("2025-03-15T09:00Z"), "2025-03-15T09:00:00Z");
  EXPECT_EQ(read("2025-03-15T09:00:00+02:30"), "2025-03-15T06:30:00Z");
  EXPECT_EQ(read("2025-03-15T09:00-05:00"), "2025-03-15T14:00:00Z");
  EXPECT_EQ(read("2025-03-15T09:00:00-00:00"), "2025-03-15T09:00:00Z");
  EXPECT_EQ(read("2025-03-15T09:00:00+23:59"), "2025-03-14T09:01:00Z");
  EXPECT_EQ(read("2025-03-15T09:00:00Z", "Asia/Tokyo"), "2025-03-15T09:00:00Z");  // the zone says nothing then
}

TEST(ParseTime, WithoutAnOffsetIsLocal) {
  EXPECT_EQ(read("2025-03-15T09:00:00"), "2025-03-15T09:00:00Z");
  EXPECT_EQ(read("2025-03-15T09:00", "Europe/Paris"), "2025-03-15T08:00:00Z");
  EXPECT_EQ(read("2025-07-15 09:00:00.25", "Europe/Paris"), "2025-07-15T07:00:00.250Z");
}

TEST(ParseTime, FractionsAreCutToMilliseconds) {
  EXPECT_EQ(read("2025-03-15T09:00:00.1Z"), "2025-03-15T09:00:00.100Z");
  EXPECT_EQ(read("2025-03-15T09:00:00.12Z"), "2025-03-15T09:00:00.120Z");
  EXPECT_EQ(read("2025-03-15T09:00:00.9999Z"), "2025-03-15T09:00:00.999Z");
  EXPECT_EQ(read("2025-03-15T09:00:00.123999999+00:00"), "2025-03-15T09:00:00.123Z");
  EXPECT_EQ(read("2025-03-15T09:00:00.000999999Z"), "2025-03-15T09:00:00Z");
  EXPECT_EQ(read("2025-03-15T09:00:00.Z"), "refused");
  EXPECT_EQ(read("2025-03-15T09:00:00.1234567890Z"), "refused");
  EXPECT_EQ(read("2025-03-15T09:00.5Z"), "refused");
  EXPECT_EQ(read("2025-03-15T09:00:00,5Z"), "refused");
}

TEST(ParseTime, ADateAloneIsAWholeDay) {
  EXPECT_EQ(read("2025-03-15"), "day 2025-03-15T00:00:00Z 2025-03-16T00:00:00Z due 2025-03-15T23:59:59Z");
  EXPECT_EQ(read("2025-03-30", "Europe/Paris"),
            "day 2025-03-29T23:00:00Z 2025-03-30T22:00:00Z due 2025-03-30T21:59:59Z");
  EXPECT_EQ(read("2025-10-26", "Europe/Paris"),
            "day 2025-10-25T22:00:00Z 2025-10-26T23:00:00Z due 2025-10-26T22:59:59Z");
  // 23:59:59 of 2017-02-18 was twice in Sao Paulo: the first counts, an hour before the day's end.
  EXPECT_EQ(read("2017-02-18", "America/Sao_Paulo"),
            "day 2017-02-18T02:00:00Z 2017-02-19T03:00:00Z due 2017-02-19T01:59:59Z");
  // In Nuuk clocks went from 23:00 to 24:00 that day: its 23:59:59 moves forward by the gap, out of the day.
  EXPECT_EQ(read("2024-03-30", "America/Nuuk"),
            "day 2024-03-30T02:00:00Z 2024-03-31T01:00:00Z due 2024-03-31T01:59:59Z");
  const auto input = parse_time("2025-03-15", TimeZone());
  ASSERT_TRUE(input);
  EXPECT_EQ(to_rfc3339(input->as_since()), "2025-03-15T00:00:00Z");
  EXPECT_EQ(to_rfc3339(input->as_until()), "2025-03-15T23:59:59.999Z");
}

TEST(ParseTime, AnInstantIsItselfInEveryRole) {
  const auto input = parse_time("2025-03-15T09:00:00.5Z", TimeZone());
  ASSERT_TRUE(input);
  EXPECT_EQ(input->as_due(), input->at);
  EXPECT_EQ(input->as_since(), input->at);
  EXPECT_EQ(input->as_until(), input->at);
  EXPECT_EQ(input->day, (TimeRange{input->at, {input->at.ms + 1}}));
}

TEST(ParseTime, RefusesOtherShapes) {
  for (const std::string_view text : {"",
                                      " ",
                                      "now",
                                      "2025",
                                      "2025-03",
                                      "2025-3-15",
                                      "25-03-15",
                                      "20250315",
                                      "2025/03/15",
                                      " 2025-03-15",
                                      "2025-03-15 ",
                                      "2025-03-15T",
                                      "2025-03-15Z",
                                      "2025-03-15T09",
                                      "2025-03-15T9:00",
                                      "2025-03-15T9:00Z",
                                      "2025-03-15T09:0",
                                      "2025-03-15T09:00:",
                                      "2025-03-15T09:00:0",
                                      "2025-03-15T0900Z",
                                      "2025-03-15  09:00",
                                      "2025-03-15_09:00",
                                      "2025-03-15T09:00:00ZZ",
                                      "2025-03-15T09:00:00 Z",
                                      "2025-03-15T09:00:00+0200",
                                      "2025-03-15T09:00:00+02",
                                      "2025-03-15T09:00:00+2:00",
                                      "2025-03-15T09:00:00+02:00Z",
                                      "2025-03-15T09:00:00+24:00",
                                      "2025-03-15T09:00:00+02:60",
                                      "2025-03-15T09:00:00 02:00",
                                      "2025-03-15T09:00:00Z ",
                                      "+2025-03-15",
                                      "-2025-03-15",
                                      "12025-03-15",
                                      "1742029200",
                                      "2025-03-15T09:00:00[Europe/Paris]",
                                      "2025-W11-6",
                                      "2025-074"}) {
    EXPECT_EQ(read(text), "refused") << text;
  }
  EXPECT_FALSE(parse_time(std::string_view("2025-03-15\0", 11), TimeZone()));
}

TEST(ParseTime, RefusesWhatIsInNoCalendarOrClock) {
  for (const std::string_view text :
       {"2025-00-15", "2025-13-15", "2025-03-00", "2025-03-32", "2025-02-29", "2100-02-29", "2025-04-31", "0000-01-01",
        "2025-03-15T24:00", "2025-03-15T24:00:00Z", "2025-03-15T09:60Z", "2025-03-15T09:00:60Z",
        "2016-12-31T23:59:60Z"}) {
    EXPECT_EQ(read(text), "refused") << text;
  }
  EXPECT_EQ(read("2024-02-29T00:00Z"), "2024-02-29T00:00:00Z");
  EXPECT_EQ(read("2000-02-29T00:00Z"), "2000-02-29T00:00:00Z");
}

TEST(ParseTime, KeepsToTheYears1970To9999) {
  EXPECT_EQ(read("1970-01-01T00:00:00Z"), "1970-01-01T00:00:00Z");
  EXPECT_EQ(read("9999-12-31T23:59:59.999Z"), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(read("1969-12-31T23:59:59Z"), "refused");
  EXPECT_EQ(read("1969-12-31T23:00:00-02:00"), "refused");               // in 1970 in UTC, not as written
  EXPECT_EQ(read("1970-01-01T00:00:00+02:00"), "1970-01-01T00:00:00Z");  // before 1970 in UTC
  EXPECT_EQ(read("1970-01-01T02:00:00+02:00"), "1970-01-01T00:00:00Z");
  EXPECT_EQ(read("9999-12-31T23:59:59-05:00"), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(read("10000-01-01T00:00:00Z"), "refused");
  EXPECT_EQ(read("1970-01-01T00:30:00", "Europe/Paris"), "1970-01-01T00:00:00Z");
  EXPECT_EQ(read("1970-01-01T01:00:00", "Europe/Paris"), "1970-01-01T00:00:00Z");
  EXPECT_EQ(read("1970-01-01", "Europe/Paris"),
            "day 1970-01-01T00:00:00Z 1970-01-01T23:00:00Z due 1970-01-01T22:59:59Z");
  EXPECT_EQ(read("1970-01-01"), "day 1970-01-01T00:00:00Z 1970-01-02T00:00:00Z due 1970-01-01T23:59:59Z");
  const auto last = parse_time("9999-12-31", zone("America/New_York"));
  ASSERT_TRUE(last);
  EXPECT_EQ(to_rfc3339(last->as_since()), "9999-12-31T05:00:00Z");
  EXPECT_EQ(last->as_until(), kMaxTimestamp);
  EXPECT_EQ(last->as_due(), kMaxTimestamp);
}

TEST(ParseTime, ReadsWhatIsWritten) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> instants(0, kMaxTimestamp.ms);
  const TimeZone tokyo = zone("Asia/Tokyo");
  for (int round = 0; round < 20'000; ++round) {
    const Timestamp time{round % 2 ? instants(random) : instants(random) / 1000 * 1000};
    const auto input = parse_time(to_rfc3339(time), tokyo);
    ASSERT_TRUE(input && !input->whole_day);
    ASSERT_EQ(input->at, time);
  }
}

// Noise, and good times with some characters changed, cut off or put in.
TEST(ParseTime, NothingCrashesIt) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> good{"2025-03-15", "2025-03-15T09:00:00.123+02:00", "9999-12-31T23:59:59Z",
                                      "2011-12-30"};
  const std::vector<TimeZone> zones{TimeZone(), zone("Pacific/Apia"), zone("America/Sao_Paulo"), zone("Etc/GMT-14")};
  constexpr std::string_view kLikely = "0123456789-:.+TZtz ";
  for (int round = 0; round < 50'000; ++round) {
    std::string text = good[random() % good.size()];
    for (std::size_t changes = random() % 4; changes > 0 && !text.empty(); --changes) {
      const std::size_t place = random() % text.size();
      const char c = random() % 4 ? kLikely[random() % kLikely.size()] : static_cast<char>(random());
      switch (random() % 3) {
        case 0:
          text[place] = c;
          break;
        case 1:
          text.insert(place, 1, c);
          break;
        default:
          text.erase(place, 1);
      }
    }
    const auto input = parse_time(text, zones[random() % zones.size()]);
    if (!input) continue;
    ASSERT_GE(input->at, Timestamp{0}) << text;
    ASSERT_LE(input->at, kMaxTimestamp) << text;
    ASSERT_LE(input->as_due(), kMaxTimestamp) << text;
    ASSERT_LE(input->as_until(), kMaxTimestamp) << text;
  }
}

}  // namespace
}  // namespace taskledger
