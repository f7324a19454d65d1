// Answers kept for idempotency keys, as the bytes of an IdempotencyRow.
//   key     workspace (4 bytes, big-endian) | user (16) | SHA-256 of the caller's key (32)
//   value   format (1 byte: 1) | expires (8, big-endian ms) | hash of the request (32) | count (4) | task…
//   task    id (16) | action (1) | version (4) | has event (1: 0 or 1) [| event id (16)]
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands/command_handler.h"

namespace taskledger::commands {

inline constexpr std::int64_t kKeptForMs = std::int64_t{24} * 60 * 60 * 1000;

struct KeptAnswer {
  Timestamp expires;
  storage::Hash request{};
  std::vector<TaskOutcome> tasks;
};
[[nodiscard]] std::string kept_key(const Caller& caller, std::string_view key);
[[nodiscard]] std::string encode(const KeptAnswer& answer);
[[nodiscard]] std::optional<KeptAnswer> decode_kept(std::string_view value);  // nullopt: damaged or of another format

}  // namespace taskledger::commands
