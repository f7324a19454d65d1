// IANA time zones on the system's tzdata (cctz), and times as callers write them.
// A TimeZone is a cheap, immutable handle; all functions may be called from any thread.
#pragma once

#include <cctz/time_zone.h>

#include <optional>
#include <string>
#include <string_view>

#include "core/timestamp.h"

namespace taskledger {

struct TimeRange {  // [begin, end)
  Timestamp begin, end;
  friend auto operator<=>(const TimeRange&, const TimeRange&) = default;
};

class TimeZone {
 public:
  TimeZone();  // UTC
  // An IANA name such as "Europe/Paris" or "UTC", in exactly that case; nullopt if tzdata has no such zone, and for
  // what is no IANA name: paths, "localtime", "posix/…", "right/…", cctz's own "Fixed/…". Loaded once a process, so
  // that every request may ask; memory does not grow with names that do not exist.
  [[nodiscard]] static std::optional<TimeZone> load(std::string_view name);

  [[nodiscard]] const std::string& name() const { return name_; }
  // The civil day, and the Monday-to-Sunday week, that `at` falls into: 23 to 25 hours a day where clocks change.
  // Both always contain `at`.
  [[nodiscard]] TimeRange day_of(Timestamp at) const;
  [[nodiscard]] TimeRange week_of(Timestamp at) const;
  // A local time in a gap moves forward by the gap; in a fold it is the first of the two.
  [[nodiscard]] Timestamp at_local(cctz::civil_second local) const;
  // From the first instant of the day (its first midnight where that occurs twice; the end of the gap where it does not
  // occur) to that of the next. Consecutive days touch. A day that the zone skipped (Pacific/Apia, 2011-12-30) is
  // empty.
  [[nodiscard]] TimeRange civil_day(cctz::civil_day day) const;

 private:
  [[nodiscard]] bool is_utc() const { return zone_ == cctz::utc_time_zone(); }
  [[nodiscard]] Timestamp first_instant(cctz::civil_day day) const;
  [[nodiscard]] cctz::civil_day day_containing(Timestamp at) const;

  cctz::time_zone zone_;
  std::string name_ = "UTC";
};

// A time as a caller wrote it: an instant, or a whole day of the caller's zone.
struct TimeInput {
  bool whole_day = false;
  Timestamp at;   // the instant; of a whole day its start
  TimeRange day;  // of a whole day: its bounds. Of an instant: [at, at + 1 ms)
  Timestamp due;  // of a whole day: 23:59:59 of it, local (see TimeZone::at_local). Of an instant: `at`

  [[nodiscard]] Timestamp as_due() const { return due; }
  [[nodiscard]] Timestamp as_since() const { return at; }
  [[nodiscard]] Timestamp as_until() const { return {day.end.ms - 1}; }  // a day: its last millisecond
};

// RFC 3339 with an offset; a date-time without one, in `zone`; or a date alone. `T` and `Z` in either case, a space for
// `T`; seconds may be missing; one to nine fraction digits, cut to milliseconds; offsets up to 23:59; years 1970 to
// 9999 as written: what lies outside of them in UTC becomes their first or last millisecond. Refused: second 60, 24:00
// and days that are in no calendar.
[[nodiscard]] std::optional<TimeInput> parse_time(std::string_view text, const TimeZone& zone);

}  // namespace taskledger
