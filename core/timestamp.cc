#include "core/timestamp.h"

#include <array>
#include <chrono>
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

std::optional<Timestamp> read_rfc3339(std::string_view text) noexcept {
  const bool fraction = text.size() == 24;
  if ((text.size() != 20 && !fraction) || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text.back() != 'Z' || (fraction && text[19] != '.')) {
    return std::nullopt;
  }
  bool digits = true;
  const auto number = [&](std::size_t at, std::size_t count) {
    unsigned value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
      const unsigned digit = static_cast<unsigned char>(text[i]) - unsigned{'0'};
      digits = digits && digit <= 9;
      value = value * 10 + digit;
    }
    return value;
  };
  const unsigned year = number(0, 4), month = number(5, 2), day = number(8, 2);
  const unsigned hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  const unsigned ms = fraction ? number(20, 3) : 0;
  if (!digits) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (year < 1970 || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return Timestamp{(((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + ms};
}

}  // namespace taskledger
