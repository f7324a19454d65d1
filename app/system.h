// The world outside, as functions that are handed to the layers below: the wall clock and the kernel's randomness.
// Any thread.
#pragma once

#include <cstdint>
#include <span>

#include "core/timestamp.h"

namespace taskledger::app {

[[nodiscard]] Timestamp system_now();
// Throws std::system_error when the kernel gives none.
void system_random(std::span<std::uint8_t> bytes);
// The same, from bytes that each thread asks for a few thousand at a time: for ids, never for secrets, since what is
// to come lies in memory.
void pooled_random(std::span<std::uint8_t> bytes);

}  // namespace taskledger::app
