// Time, randomness: what the world hands to the layers below `app`, injected so that a seed replays a failure.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "core/timestamp.h"

namespace taskledger {

// The wall clock in whole milliseconds; any thread.
using Clock = std::function<Timestamp()>;
// Fills the span with unpredictable bytes; any thread.
using RandomBytes = std::function<void(std::span<std::uint8_t>)>;

}  // namespace taskledger
