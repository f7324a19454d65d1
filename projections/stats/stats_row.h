// Rows of the read model `stats`: counters for each assignee, in all and by UTC day of due and completion time.
//
//   total  key   := workspace u32 BE, scope u8 (0: a user, 1: nobody), user (16 bytes)
//          value := tasks u32, completed u32                          little-endian
//   day    key   := workspace u32 BE, scope u8, user (16), day u32 BE (since 1970-01-01)
//          value := due open u32, due completed u32, completed u32    of that day
//   A row whose counters are all zero is absent.
//
// Threads: any. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/ids.h"

namespace taskledger::projections {

inline constexpr std::string_view kStatsProjection = "stats";
inline constexpr std::int64_t kDayMs = 86'400'000;
[[nodiscard]] constexpr std::uint32_t utc_day(std::int64_t ms) { return static_cast<std::uint32_t>(ms / kDayMs); }

struct TotalCounts {
  std::uint32_t tasks = 0, completed = 0;
};
struct DayCounts {
  std::uint32_t due_open = 0, due_completed = 0, completed = 0;
};
[[nodiscard]] std::string stats_key(WorkspaceNumber workspace, const Uuid* user);
[[nodiscard]] std::string stats_key(WorkspaceNumber workspace, const Uuid* user, std::uint32_t day);
// False for bytes that are no such value.
[[nodiscard]] bool read_stats(std::string_view value, TotalCounts& counts);
[[nodiscard]] bool read_stats(std::string_view value, DayCounts& counts);
// Empty: all zero, no row.
[[nodiscard]] std::string stats_value(const TotalCounts& counts);
[[nodiscard]] std::string stats_value(const DayCounts& counts);

}  // namespace taskledger::projections
