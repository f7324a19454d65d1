// SHA-256 over pieces, on OpenSSL's low-level functions: the fetched EVP digests cost more than hashing a record does.
// Values; one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "storage/event_log.h"

namespace taskledger::storage {

class Sha256 {
 public:
  Sha256();
  Sha256& add(std::string_view bytes);
  Sha256& add(std::span<const std::uint8_t> bytes);
  [[nodiscard]] Hash finish();

 private:
  alignas(8) std::array<std::byte, 112> state_;
};

[[nodiscard]] inline std::string_view as_bytes(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}
[[nodiscard]] inline std::string_view as_bytes(const Uuid& uuid) {
  return {reinterpret_cast<const char*>(uuid.bytes.data()), uuid.bytes.size()};
}
// 64 hexadecimal digits in any case; nullopt otherwise.
[[nodiscard]] std::optional<Hash> parse_hash(std::string_view hex);

}  // namespace taskledger::storage
