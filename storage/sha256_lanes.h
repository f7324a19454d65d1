// SHA-256 of many messages at once. One message keeps the processor's SHA instructions waiting for its own last round;
// two side by side fill that wait, so that many short messages take about half the time. Where the processor has no
// such instructions, OpenSSL hashes one after the other. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "storage/sha256.h"

namespace taskledger::storage {

inline constexpr std::size_t kSha256Block = 64;

// A message as FIPS 180-4 pads it: whole blocks.
struct PaddedMessage {
  const std::uint8_t* blocks = nullptr;
  std::size_t count = 0;         // of blocks; at least 1
  std::uint8_t* hash = nullptr;  // where its 32 bytes go; not in a message of the same call
};
[[nodiscard]] constexpr std::size_t padded_bytes(std::size_t message_bytes) {
  return (message_bytes + 9 + kSha256Block - 1) / kSha256Block * kSha256Block;
}
// Writes what follows a message of `message_bytes` at `message`, up to padded_bytes().
void write_padding(std::uint8_t* message, std::size_t message_bytes);

void hash_all(std::span<const PaddedMessage> messages);
// By OpenSSL, whatever the processor has: what the other is tested against.
void hash_all_in_turn(std::span<const PaddedMessage> messages);

}  // namespace taskledger::storage
