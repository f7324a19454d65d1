#include "http/hmac.h"

#include <array>
#include <cstring>

namespace taskledger::http {

HmacSha256::HmacSha256(std::string_view key) {
  std::array<char, 64> block{};
  if (key.size() > block.size()) {
    const auto hash = storage::Sha256().add(key).finish();
    std::memcpy(block.data(), hash.data(), hash.size());
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  const auto padded = [&block](char pad) {
    auto bytes = block;
    for (char& c : bytes) c = static_cast<char>(c ^ pad);
    return bytes;
  };
  const auto inner = padded(0x36), outer = padded(0x5c);
  inner_.add(std::string_view(inner.data(), inner.size()));
  outer_.add(std::string_view(outer.data(), outer.size()));
}

storage::Hash HmacSha256::operator()(std::string_view message) const {
  storage::Sha256 inner = inner_, outer = outer_;
  return outer.add(storage::as_bytes(inner.add(message).finish())).finish();
}

}  // namespace taskledger::http
