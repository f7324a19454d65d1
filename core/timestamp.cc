#include "core/timestamp.h"

#include <array>
#include <cstring>

namespace taskledger {
namespace {

constexpr std::int64_t kMsPerDay = 86'400'000;

// "00" to "99", so that a field of two digits is one copy of two bytes.
constexpr auto kPairs = [] {
  std::array<char, 200> pairs{};
  for (int n = 0; n < 100; ++n) {
    pairs[2 * n] = static_cast<char>('0' + n / 10);
    pairs[2 * n + 1] = static_cast<char>('0' + n % 10);
  }
  return pairs;
}();

void write_pair(char* out, unsigned value) noexcept { std::memcpy(out, &kPairs[2 * value], 2); }

// The civil date of a day since 1970-01-01, after Howard Hinnant's civil_from_days: years begin in March, so that
// the leap day is the last of its year. Only for days from 1970 on, so all is unsigned.
struct Date {
  unsigned year, month, day;
};
constexpr Date civil_from_days(unsigned days) noexcept {
  const unsigned shifted = days + 719'468;  // since 0000-03-01
  const unsigned era = shifted / 146'097, day_of_era = shifted % 146'097;
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned from_march = (5 * day_of_year + 2) / 153;
  const unsigned month = from_march < 10 ? from_march + 3 : from_march - 9;
  return {era * 400 + year_of_era + (month <= 2), month, day_of_year - (153 * from_march + 2) / 5 + 1};
}

}  // namespace

std::size_t write_rfc3339(char* out, Timestamp time) noexcept {
  // A time outside the range is a bug upstream; the nearest that fits keeps the answer well-formed.
  const std::int64_t clamped = time.ms < 0 ? 0 : time.ms > kMaxTimestamp.ms ? kMaxTimestamp.ms : time.ms;
  const auto ms_of_day = static_cast<unsigned>(clamped % kMsPerDay);
  const Date date = civil_from_days(static_cast<unsigned>(clamped / kMsPerDay));
  const unsigned second_of_day = ms_of_day / 1000, ms = ms_of_day % 1000;

  std::memcpy(out, "0000-00-00T00:00:00", 19);
  write_pair(out, date.year / 100);
  write_pair(out + 2, date.year % 100);
  write_pair(out + 5, date.month);
  write_pair(out + 8, date.day);
  write_pair(out + 11, second_of_day / 3600);
  write_pair(out + 14, second_of_day / 60 % 60);
  write_pair(out + 17, second_of_day % 60);
  if (ms == 0) {
    out[19] = 'Z';
    return 20;
  }
  out[19] = '.';
  out[20] = static_cast<char>('0' + ms / 100);
  write_pair(out + 21, ms % 100);
  out[23] = 'Z';
  return 24;
}

void append_rfc3339(std::string& out, Timestamp time) {
  char text[24];
  out.append(text, write_rfc3339(text, time));
}

std::string to_rfc3339(Timestamp time) {
  std::string out;
  append_rfc3339(out, time);
  return out;
}

}  // namespace taskledger
