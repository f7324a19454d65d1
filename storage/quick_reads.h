// What a thread that others wait for (an io thread, the appender's) may read of the log for one request. More is done
// by a worker: some ten microseconds an event where it is not at hand.
#pragma once

#include <cstdint>

namespace taskledger::storage {

inline constexpr std::uint64_t kQuickEvents = 256;

}  // namespace taskledger::storage
