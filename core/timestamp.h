// An instant, in whole milliseconds since 1970-01-01T00:00:00Z, leap seconds aside. Years 1970 to 9999.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace taskledger {

struct Timestamp {
  std::int64_t ms = 0;
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

inline constexpr Timestamp kMaxTimestamp{253402300799999};  // 9999-12-31T23:59:59.999Z

// RFC 3339 in UTC with `Z`; whole seconds when the milliseconds are zero, three fraction digits otherwise.
void append_rfc3339(std::string& out, Timestamp time);
// The same into `out`, which has room for 24 characters; returns how many were written (20 or 24).
std::size_t write_rfc3339(char* out, Timestamp time) noexcept;
[[nodiscard]] std::string to_rfc3339(Timestamp time);
// Reads the two forms that write_rfc3339() writes, and no other: parse_time() (time_zone.h) reads all.
[[nodiscard]] std::optional<Timestamp> read_rfc3339(std::string_view text) noexcept;

}  // namespace taskledger
