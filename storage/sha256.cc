#define OPENSSL_SUPPRESS_DEPRECATED  // see the header for why
#include "storage/sha256.h"

#include <openssl/sha.h>

#include <stdexcept>

namespace taskledger::storage {

static_assert(sizeof(SHA256_CTX) <= 112 && alignof(SHA256_CTX) <= 8);

namespace {
SHA256_CTX* context(std::array<std::byte, 112>& state) { return reinterpret_cast<SHA256_CTX*>(state.data()); }
}  // namespace

Sha256::Sha256() { SHA256_Init(context(state_)); }

Sha256& Sha256::add(std::string_view bytes) {
  SHA256_Update(context(state_), bytes.data(), bytes.size());
  return *this;
}

Sha256& Sha256::add(std::span<const std::uint8_t> bytes) {
  SHA256_Update(context(state_), bytes.data(), bytes.size());
  return *this;
}

Hash Sha256::finish() {
  Hash hash;
  SHA256_Final(hash.data(), context(state_));
  return hash;
}

std::string to_hex(const Hash& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(hash.size() * 2);
  for (auto byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<Hash> parse_hash(std::string_view hex) {
  Hash hash;
  if (hex.size() != hash.size() * 2) return std::nullopt;
  auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    hash[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return hash;
}

void throw_exception_from_error(const ReadError& error, const boost::source_location&) {
  throw std::logic_error("unchecked result: " + error.what);
}

}  // namespace taskledger::storage
