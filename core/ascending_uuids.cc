#include "core/ascending_uuids.h"

#include <algorithm>

namespace taskledger {

Uuid AscendingUuids::next(std::int64_t unix_ms, std::array<std::uint8_t, 10> random) noexcept {
  const std::uint64_t start = (random[0] & 0x07u) << 8 | random[1];
  const std::uint64_t fresh = static_cast<std::uint64_t>(unix_ms) << 12 | start;
  std::uint64_t last = last_.load(std::memory_order_relaxed), mine = 0;
  do {
    mine = std::max(last + 1, fresh);
  } while (!last_.compare_exchange_weak(last, mine, std::memory_order_relaxed));
  random[0] = static_cast<std::uint8_t>(mine >> 8 & 0x0F);
  random[1] = static_cast<std::uint8_t>(mine);
  return uuid_v7(static_cast<std::int64_t>(mine >> 12), random);
}

}  // namespace taskledger
