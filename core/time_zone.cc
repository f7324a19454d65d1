#include "core/time_zone.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <system_error>

namespace taskledger {
namespace {

using Seconds = cctz::time_point<cctz::seconds>;

constexpr std::int64_t kMsPerDay = 86'400'000;
constexpr std::int64_t kEpochWeekday = 3;  // 1970-01-01 was a Thursday: three days after Monday

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0); }

Timestamp to_timestamp(Seconds time) { return {time.time_since_epoch().count() * 1000}; }
Seconds to_seconds(Timestamp time) { return Seconds(cctz::seconds(floor_div(time.ms, 1000))); }
std::int64_t days_since_epoch(cctz::civil_day day) { return day - cctz::civil_day(1970, 1, 1); }
cctz::civil_day monday_of(cctz::civil_day day) { return cctz::prev_weekday(day + 1, cctz::weekday::monday); }

// Whether `name` has the shape of an IANA name: parts of letters, digits, '_', '+' and '-', joined by single slashes.
// That leaves out all paths and prefixes by which cctz would read other files.
bool is_iana_shaped(std::string_view name) {
  constexpr std::size_t kMaxName = 64;
  if (name.empty() || name.size() > kMaxName || name.front() == '/' || name.back() == '/') return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (word || c == '_' || c == '+' || c == '-') continue;
    if (c != '/' || name[i - 1] == '/') return false;
  }
  return true;
}

// What tzdata's folder or cctz knows besides the names of zones.
bool is_alias_of_tools(std::string_view name) {
  return name == "localtime" || name == "posixrules" || name == "UTC0" || name.starts_with("posix/") ||
         name.starts_with("right/") || name.starts_with("Fixed/");
}

// cctz remembers the names it did not find for ever, so callers must not reach it with names of their own making.
bool has_zone_file(const std::string& name) {
  const char* folder = std::getenv("TZDIR");  // cctz looks there too
  std::error_code ignored;
  return std::filesystem::is_regular_file(
      std::filesystem::path(folder && *folder ? folder : "/usr/share/zoneinfo") / name, ignored);
}

// The zones loaded so far; only those that exist, so it is bounded by tzdata.
class LoadedZones {
 public:
  std::optional<cctz::time_zone> find(std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const auto found = zones_.find(name);
    return found == zones_.end() ? std::nullopt : std::optional(found->second);
  }
  void add(const std::string& name, cctz::time_zone zone) {
    const std::unique_lock lock(mutex_);
    zones_.emplace(name, zone);
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, cctz::time_zone, std::less<>> zones_;
};

LoadedZones& loaded_zones() {
  static LoadedZones zones;
  return zones;
}

}  // namespace

TimeZone::TimeZone() : zone_(cctz::utc_time_zone()) {}

std::optional<TimeZone> TimeZone::load(std::string_view name) {
  TimeZone zone;
  if (name == zone.name_) return zone;
  if (!is_iana_shaped(name) || is_alias_of_tools(name)) return std::nullopt;
  zone.name_ = name;
  if (const auto known = loaded_zones().find(name)) {
    zone.zone_ = *known;
    return zone;
  }
  if (!has_zone_file(zone.name_) || !cctz::load_time_zone(zone.name_, &zone.zone_)) return std::nullopt;
  loaded_zones().add(zone.name_, zone.zone_);
  return zone;
}

Timestamp TimeZone::first_instant(cctz::civil_day day) const {
  const auto midnight = zone_.lookup(cctz::civil_second(day));
  return to_timestamp(midnight.kind == cctz::time_zone::civil_lookup::SKIPPED ? midnight.trans : midnight.pre);
}

// The local date of `at`, but where clocks went back over midnight (America/St_Johns until 2011): there the minutes
// that are the old date's a second time belong to the new day, which began at its first midnight.
cctz::civil_day TimeZone::day_containing(Timestamp at) const {
  cctz::civil_day day(zone_.lookup(to_seconds(at)).cs);
  while (at >= first_instant(day + 1)) ++day;
  return day;
}

TimeRange TimeZone::civil_day(cctz::civil_day day) const {
  if (is_utc()) {
    const std::int64_t begin = days_since_epoch(day) * kMsPerDay;
    return {{begin}, {begin + kMsPerDay}};
  }
  return {first_instant(day), first_instant(day + 1)};
}

TimeRange TimeZone::day_of(Timestamp at) const {
  if (is_utc()) {
    const std::int64_t begin = floor_div(at.ms, kMsPerDay) * kMsPerDay;
    return {{begin}, {begin + kMsPerDay}};
  }
  return civil_day(day_containing(at));
}

TimeRange TimeZone::week_of(Timestamp at) const {
  if (is_utc()) {
    const std::int64_t monday = floor_div(floor_div(at.ms, kMsPerDay) + kEpochWeekday, 7) * 7 - kEpochWeekday;
    return {{monday * kMsPerDay}, {(monday + 7) * kMsPerDay}};
  }
  const cctz::civil_day monday = monday_of(day_containing(at));
  return {first_instant(monday), first_instant(monday + 7)};
}

Timestamp TimeZone::at_local(cctz::civil_second local) const {
  // `pre` reads the time with the offset before the change: that moves it forward in a gap, and is the first in a fold.
  return to_timestamp(zone_.lookup(local).pre);
}

namespace {

// Reads a time from the left; every step says whether the text went on as it must.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }
  [[nodiscard]] bool accept(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] bool accept_any(std::string_view set) {
    return !rest_.empty() && set.find(rest_.front()) != set.npos && accept(rest_.front());
  }
  // Exactly `digits` digits with a value between `low` and `high`.
  [[nodiscard]] bool number(std::size_t digits, int low, int high, int& value) {
    if (rest_.size() < digits) return false;
    value = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (!is_digit(c)) return false;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return value >= low && value <= high;
  }
  // One to nine digits, of which the first three count.
  [[nodiscard]] bool fraction(int& ms) {
    std::size_t count = 0;
    for (ms = 0; count < rest_.size() && is_digit(rest_[count]); ++count) {
      if (count < 3) ms = ms * 10 + (rest_[count] - '0');
    }
    if (count == 0 || count > 9) return false;
    for (std::size_t i = count; i < 3; ++i) ms *= 10;
    rest_.remove_prefix(count);
    return true;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  std::string_view rest_;
};

bool scan_date(Scanner& in, cctz::civil_day& day) {
  int y, m, d;
  if (!in.number(4, 1970, 9999, y) || !in.accept('-') || !in.number(2, 1, 12, m) || !in.accept('-') ||
      !in.number(2, 1, 31, d)) {
    return false;
  }
  day = cctz::civil_day(y, m, d);
  return day.month() == m;  // February 30 would become a day of March
}

// The time of day, to the millisecond.
bool scan_clock(Scanner& in, cctz::civil_day day, cctz::civil_second& local, int& ms) {
  int h, m, s = 0;
  ms = 0;
  if (!in.number(2, 0, 23, h) || !in.accept(':') || !in.number(2, 0, 59, m)) return false;
  if (in.accept(':')) {
    if (!in.number(2, 0, 59, s)) return false;
    if (in.accept('.') && !in.fraction(ms)) return false;
  }
  local = cctz::civil_second(day.year(), day.month(), day.day(), h, m, s);
  return true;
}

// `Z` or ±HH:MM, in seconds east of UTC.
bool scan_offset(Scanner& in, int& seconds) {
  seconds = 0;
  if (in.accept_any("Zz")) return true;
  int h, m;
  const bool west = in.accept('-');
  if ((!west && !in.accept('+')) || !in.number(2, 0, 23, h) || !in.accept(':') || !in.number(2, 0, 59, m)) return false;
  seconds = (west ? -60 : 60) * (60 * h + m);
  return true;
}

// The years count as written; what lies a few hours outside of them in UTC is taken for their first or last instant.
Timestamp in_range(Timestamp time) { return std::clamp(time, Timestamp{0}, kMaxTimestamp); }

std::optional<TimeInput> whole_day(cctz::civil_day day, const TimeZone& zone) {
  TimeInput input;
  input.whole_day = true;
  const TimeRange bounds = zone.civil_day(day);
  input.day = {in_range(bounds.begin), {in_range({bounds.end.ms - 1}).ms + 1}};
  input.at = input.day.begin;
  input.due = in_range(zone.at_local(cctz::civil_second(day.year(), day.month(), day.day(), 23, 59, 59)));
  return input;
}

}  // namespace

std::optional<TimeInput> parse_time(std::string_view text, const TimeZone& zone) {
  Scanner in(text);
  cctz::civil_day day;
  if (!scan_date(in, day)) return std::nullopt;
  if (in.done()) return whole_day(day, zone);

  cctz::civil_second local;
  int ms;
  if (!in.accept_any("Tt ") || !scan_clock(in, day, local, ms)) return std::nullopt;
  Timestamp at;
  if (in.done()) {
    at = zone.at_local(local);
  } else {
    int offset;
    if (!scan_offset(in, offset) || !in.done()) return std::nullopt;
    at = {(local - cctz::civil_second(1970, 1, 1) - offset) * 1000};
  }
  at = in_range({at.ms + ms});
  return TimeInput{.whole_day = false, .at = at, .day = {at, {at.ms + 1}}, .due = at};
}

}  // namespace taskledger
