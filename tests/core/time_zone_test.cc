#include "core/time_zone.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <random>
#include <thread>

namespace taskledger {
namespace {

constexpr std::int64_t kHour = 3'600'000;

TimeZone zone(std::string_view name) {
  const auto loaded = TimeZone::load(name);
  EXPECT_TRUE(loaded) << name;
  return loaded.value_or(TimeZone());
}

// The instant of a text with an offset.
Timestamp at(std::string_view text) {
  const auto input = parse_time(text, TimeZone());
  EXPECT_TRUE(input && !input->whole_day) << text;
  return input ? input->at : Timestamp{};
}

std::string show(const TimeRange& range) { return to_rfc3339(range.begin) + " " + to_rfc3339(range.end); }
std::string day(std::string_view name, std::string_view instant) { return show(zone(name).day_of(at(instant))); }
std::string week(std::string_view name, std::string_view instant) { return show(zone(name).week_of(at(instant))); }
std::string local(std::string_view name, std::string_view text) {
  const auto input = parse_time(text, zone(name));
  return input ? to_rfc3339(input->at) : "refused";
}

TEST(TimeZone, LoadsIanaNames) {
  EXPECT_EQ(TimeZone().name(), "UTC");
  for (const std::string_view name :
       {"UTC", "Europe/Paris", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "GMT", "EST5EDT"}) {
    const auto loaded = TimeZone::load(name);
    ASSERT_TRUE(loaded) << name;
    EXPECT_EQ(loaded->name(), name);
    EXPECT_TRUE(TimeZone::load(name)) << "the second time, " << name;
  }
}

TEST(TimeZone, RefusesWhatIsNoName) {
  for (const std::string_view name : {"",
                                      "Europe/Nowhere",
                                      "europe/paris",
                                      "EUROPE/PARIS",
                                      "utc",
                                      "Europe",
                                      "Europe/",
                                      "Europe//Paris",
                                      "/Europe/Paris",
                                      "/usr/share/zoneinfo/Europe/Paris",
                                      ":Europe/Paris",
                                      "../zoneinfo/Europe/Paris",
                                      "Europe/../Europe/Paris",
                                      "./Europe/Paris",
                                      "localtime",
                                      "posixrules",
                                      "posix/Europe/Paris",
                                      "right/Europe/Paris",
                                      "Fixed/UTC+01:00:00",
                                      "Fixed/UTC",
                                      "libc:localtime",
                                      "libc:UTC",
                                      "file:Europe/Paris",
                                      "UTC0",
                                      "+01:00",
                                      "Europe/Paris ",
                                      " UTC",
                                      "zone.tab",
                                      "tzdata.zi",
                                      "leapseconds",
                                      "Europe/Paris\n"}) {
    EXPECT_FALSE(TimeZone::load(name)) << name;
    EXPECT_FALSE(TimeZone::load(name)) << "the second time, " << name;
  }
  EXPECT_FALSE(TimeZone::load(std::string_view("UTC\0", 4)));
  EXPECT_FALSE(TimeZone::load(std::string_view("Europe/Paris\0", 13)));
  EXPECT_FALSE(TimeZone::load(std::string(100'000, 'A')));
}

TEST(TimeZone, LoadsFromManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 200; ++round) {
        EXPECT_TRUE(TimeZone::load("Asia/Tokyo"));
        EXPECT_TRUE(TimeZone::load("Asia/Kolkata"));
        EXPECT_FALSE(TimeZone::load("Asia/Nowhere"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Days, InUtc) {
  EXPECT_EQ(day("UTC", "2025-03-15T09:00:00Z"), "2025-03-15T00:00:00Z 2025-03-16T00:00:00Z");
  EXPECT_EQ(day("UTC", "2025-03-15T00:00:00Z"), "2025-03-15T00:00:00Z 2025-03-16T00:00:00Z");
  EXPECT_EQ(day("UTC", "2025-03-15T23:59:59.999Z"), "2025-03-15T00:00:00Z 2025-03-16T00:00:00Z");
}

TEST(Days, Of23And25Hours) {
  EXPECT_EQ(day("Europe/Paris", "2025-03-30T12:00:00Z"), "2025-03-29T23:00:00Z 2025-03-30T22:00:00Z");
  EXPECT_EQ(day("Europe/Paris", "2025-10-26T12:00:00Z"), "2025-10-25T22:00:00Z 2025-10-26T23:00:00Z");
  EXPECT_EQ(day("America/New_York", "2025-03-09T12:00:00Z"), "2025-03-09T05:00:00Z 2025-03-10T04:00:00Z");
  EXPECT_EQ(day("America/New_York", "2025-11-02T12:00:00Z"), "2025-11-02T04:00:00Z 2025-11-03T05:00:00Z");
}

TEST(Days, StillChangeIn2050) {
  EXPECT_EQ(day("Europe/Paris", "2050-03-27T12:00:00Z"), "2050-03-26T23:00:00Z 2050-03-27T22:00:00Z");
  EXPECT_EQ(day("Europe/Paris", "2050-10-30T12:00:00Z"), "2050-10-29T22:00:00Z 2050-10-30T23:00:00Z");
  EXPECT_EQ(day("America/New_York", "2050-03-13T12:00:00Z"), "2050-03-13T05:00:00Z 2050-03-14T04:00:00Z");
  EXPECT_EQ(day("America/New_York", "2050-11-06T12:00:00Z"), "2050-11-06T04:00:00Z 2050-11-07T05:00:00Z");
  EXPECT_EQ(day("America/New_York", "9999-07-01T12:00:00Z"), "9999-07-01T04:00:00Z 9999-07-02T04:00:00Z");
}

TEST(Days, OfHalfHours) {
  // Lord Howe changes by 30 minutes, Kathmandu stands at +05:45.
  EXPECT_EQ(day("Australia/Lord_Howe", "2025-04-06T00:00:00Z"), "2025-04-05T13:00:00Z 2025-04-06T13:30:00Z");
  EXPECT_EQ(day("Australia/Lord_Howe", "2025-10-05T00:00:00Z"), "2025-10-04T13:30:00Z 2025-10-05T13:00:00Z");
  EXPECT_EQ(day("Asia/Kathmandu", "2025-03-15T18:15:00Z"), "2025-03-15T18:15:00Z 2025-03-16T18:15:00Z");
  EXPECT_EQ(day("Asia/Kathmandu", "2025-03-15T18:14:59.999Z"), "2025-03-14T18:15:00Z 2025-03-15T18:15:00Z");
}

TEST(Days, WithoutAMidnightStartAtTheirFirstInstant) {
  EXPECT_EQ(day("America/Sao_Paulo", "2017-10-15T12:00:00Z"), "2017-10-15T03:00:00Z 2017-10-16T02:00:00Z");
  EXPECT_EQ(show(zone("America/Sao_Paulo").civil_day(cctz::civil_day(2017, 10, 15))),
            "2017-10-15T03:00:00Z 2017-10-16T02:00:00Z");
}

// Toronto, 1919-03-30: at 23:30 clocks went forward to 00:30. No zone has done so since 1970, but one may.
TEST(Days, StartWhereAGapOverMidnightEnds) {
  EXPECT_EQ(zone("America/Toronto").civil_day(cctz::civil_day(1919, 3, 31)).begin.ms, -1'601'753'400'000);
}

TEST(Days, WithTwoMidnightsStartAtTheFirst) {
  // Havana, 2017-11-05: at 01:00 clocks went back to 00:00.
  EXPECT_EQ(day("America/Havana", "2017-11-05T12:00:00Z"), "2017-11-05T04:00:00Z 2017-11-06T05:00:00Z");
  // St. John's, 2010-11-07: at 00:01 clocks went back to 23:01 of the day before; those minutes are the new day's.
  const std::string seventh = "2010-11-07T02:30:00Z 2010-11-08T03:30:00Z";
  EXPECT_EQ(day("America/St_Johns", "2010-11-07T02:30:30Z"), seventh);
  EXPECT_EQ(day("America/St_Johns", "2010-11-07T03:00:00Z"), seventh);
  EXPECT_EQ(day("America/St_Johns", "2010-11-07T12:00:00Z"), seventh);
  EXPECT_EQ(day("America/St_Johns", "2010-11-07T02:29:59.999Z"), "2010-11-06T02:30:00Z 2010-11-07T02:30:00Z");
}

TEST(Days, SkippedByAZoneAreEmpty) {
  const TimeZone apia = zone("Pacific/Apia");
  EXPECT_EQ(show(apia.civil_day(cctz::civil_day(2011, 12, 29))), "2011-12-29T10:00:00Z 2011-12-30T10:00:00Z");
  EXPECT_EQ(show(apia.civil_day(cctz::civil_day(2011, 12, 30))), "2011-12-30T10:00:00Z 2011-12-30T10:00:00Z");
  EXPECT_EQ(show(apia.civil_day(cctz::civil_day(2011, 12, 31))), "2011-12-30T10:00:00Z 2011-12-31T10:00:00Z");
  EXPECT_EQ(show(apia.day_of(at("2011-12-30T10:00:00Z"))), "2011-12-30T10:00:00Z 2011-12-31T10:00:00Z");
  EXPECT_EQ(show(apia.week_of(at("2011-12-30T10:00:00Z"))), "2011-12-26T10:00:00Z 2012-01-01T10:00:00Z");
  const auto skipped = parse_time("2011-12-30", apia);
  ASSERT_TRUE(skipped);
  EXPECT_EQ(to_rfc3339(skipped->as_due()), "2011-12-31T09:59:59Z");  // moved forward by the gap of a day
}

TEST(Weeks, BeginOnMonday) {
  EXPECT_EQ(week("UTC", "2025-03-15T09:00:00Z"), "2025-03-10T00:00:00Z 2025-03-17T00:00:00Z");  // a Saturday
  EXPECT_EQ(week("UTC", "2025-03-10T00:00:00Z"), "2025-03-10T00:00:00Z 2025-03-17T00:00:00Z");
  EXPECT_EQ(week("UTC", "2025-03-16T23:59:59.999Z"), "2025-03-10T00:00:00Z 2025-03-17T00:00:00Z");
  EXPECT_EQ(week("Europe/Paris", "2025-03-30T12:00:00Z"), "2025-03-23T23:00:00Z 2025-03-30T22:00:00Z");  // 167 hours
  EXPECT_EQ(week("America/New_York", "2050-11-06T12:00:00Z"), "2050-10-31T04:00:00Z 2050-11-07T05:00:00Z");
  EXPECT_EQ(week("Asia/Tokyo", "2025-03-16T15:00:00Z"), "2025-03-16T15:00:00Z 2025-03-23T15:00:00Z");
  EXPECT_EQ(TimeZone().week_of({0}).begin.ms, -3 * 24 * kHour);  // 1970-01-01 was a Thursday
}

// Days and weeks against their definition: the range holds the instant, neighbours touch, and local dates
// at its two ends are those of the day.
TEST(Days, RandomInstantsInManyZones) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> near(0, 4'102'444'800'000),
      ever(8 * 24 * kHour, kMaxTimestamp.ms - 8 * 24 * kHour);
  for (const char* name :
       {"UTC", "Etc/UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo",
        "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Auckland", "Asia/Tehran", "Etc/GMT-14"}) {
    SCOPED_TRACE(name);
    const TimeZone tz = zone(name);
    cctz::time_zone reference;
    ASSERT_TRUE(cctz::load_time_zone(name, &reference));
    const auto date = [&](Timestamp time) {
      // Not system_clock's own time points: their nanoseconds end in 2262.
      const auto second = std::chrono::floor<cctz::seconds>(
          std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(time.ms)));
      return cctz::civil_day(cctz::convert(second, reference));
    };
    for (int round = 0; round < 2'000; ++round) {
      const Timestamp now{round % 2 ? near(random) : ever(random)};
      const cctz::civil_day today = date(now);
      const TimeRange range = tz.day_of(now);
      ASSERT_TRUE(range.begin <= now && now < range.end) << to_rfc3339(now);
      ASSERT_EQ(range, tz.civil_day(today)) << to_rfc3339(now);
      ASSERT_EQ(date(range.begin), today);
      ASSERT_LT(date({range.begin.ms - 1}), today);
      ASSERT_EQ(date({range.end.ms - 1}), today);
      ASSERT_GT(date(range.end), today);
      ASSERT_EQ(tz.day_of(range.end).begin, range.end);

      const TimeRange week = tz.week_of(now);
      ASSERT_TRUE(week.begin <= now && now < week.end) << to_rfc3339(now);
      ASSERT_EQ(cctz::get_weekday(date(week.begin)), cctz::weekday::monday);
      ASSERT_EQ(week, tz.week_of({week.end.ms - 1}));
      ASSERT_EQ(tz.day_of(week.begin).begin, week.begin);
      ASSERT_EQ(date(week.end) - date(week.begin), 7);
    }
  }
}

// The instants where days could go wrong, of all zones that the system has.
TEST(Days, AroundEveryClockChangeOfEveryZone) {
  const std::filesystem::path root = "/usr/share/zoneinfo";
  if (!std::filesystem::is_directory(root)) GTEST_SKIP() << "no tzdata at " << root;
  int changes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(root)) {
    const std::string name = std::filesystem::relative(file.path(), root).string();
    const auto tz = file.is_regular_file() ? TimeZone::load(name) : std::nullopt;
    cctz::time_zone reference;
    if (!tz || !cctz::load_time_zone(name, &reference)) continue;
    cctz::time_zone::civil_transition change;
    auto from = cctz::time_point<cctz::seconds>();
    while (reference.next_transition(from, &change)) {
      from = reference.lookup(change.to).trans;
      if (from.time_since_epoch().count() > 2'240'000'000) break;  // in 2040
      ++changes;
      for (const std::int64_t offset : {-24 * kHour, -kHour, -1l, 0l, 1l, kHour, 24 * kHour}) {
        const Timestamp now{from.time_since_epoch().count() * 1000 + offset};
        const TimeRange day = tz->day_of(now), week = tz->week_of(now);
        ASSERT_TRUE(day.begin <= now && now < day.end) << name << ' ' << to_rfc3339(now);
        ASSERT_TRUE(week.begin <= day.begin && day.end <= week.end) << name << ' ' << to_rfc3339(now);
        ASSERT_EQ(tz->day_of(day.begin), day) << name << ' ' << to_rfc3339(now);
        ASSERT_EQ(tz->day_of({day.end.ms - 1}), day) << name << ' ' << to_rfc3339(now);
        ASSERT_EQ(tz->day_of(day.end).begin, day.end) << name << ' ' << to_rfc3339(now);
      }
    }
  }
  EXPECT_GT(changes, 1'000);
}

TEST(LocalTimes, InAGapMoveForwardByIt) {
  EXPECT_EQ(local("Europe/Paris", "2025-03-30T02:30:00"), "2025-03-30T01:30:00Z");  // 03:30 in summer
  EXPECT_EQ(local("America/New_York", "2025-03-09T02:00"), "2025-03-09T07:00:00Z");
  EXPECT_EQ(local("Australia/Lord_Howe", "2025-10-05T02:15"), "2025-10-04T15:45:00Z");
  EXPECT_EQ(local("America/Sao_Paulo", "2017-10-15T00:00"), "2017-10-15T03:00:00Z");
}

TEST(LocalTimes, InAFoldAreTheFirst) {
  EXPECT_EQ(local("Europe/Paris", "2025-10-26T02:30:00"), "2025-10-26T00:30:00Z");
  EXPECT_EQ(local("America/New_York", "2025-11-02T01:30:00.5"), "2025-11-02T05:30:00.500Z");
}

}  // namespace
}  // namespace taskledger
