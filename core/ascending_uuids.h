// New identifiers in the order they are made: UUIDs of version 7, each above the one before, even within a millisecond
// or when the clock is set back, so that what is stored by them is written from one end. The 12 bits after the time
// count (RFC 9562, 6.2, method 1), from a random number below 2048; past 4095 the time runs ahead of the clock.
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "core/ids.h"

namespace taskledger {

class AscendingUuids {
 public:
  [[nodiscard]] Uuid next(std::int64_t unix_ms, std::array<std::uint8_t, 10> random) noexcept;

 private:
  std::atomic<std::uint64_t> last_{0};  // 48 bits of time, 12 of the counter
};

}  // namespace taskledger
