#include "core/base64.h"

namespace taskledger {
namespace {

constexpr std::string_view kUrlDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<std::uint32_t> value_of(char c) {
  const std::size_t at = kAlphabet.find(c);
  if (at == kAlphabet.npos) return std::nullopt;
  return static_cast<std::uint32_t>(at);
}

int url_digit_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

}  // namespace

std::string to_base64(std::span<const std::uint8_t> bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    std::uint32_t bits = static_cast<std::uint32_t>(bytes[i]) << 16;
    if (left > 1) bits |= static_cast<std::uint32_t>(bytes[i + 1]) << 8;
    if (left > 2) bits |= bytes[i + 2];
    out += kAlphabet[bits >> 18];
    out += kAlphabet[bits >> 12 & 63];
    out += left > 1 ? kAlphabet[bits >> 6 & 63] : '=';
    out += left > 2 ? kAlphabet[bits & 63] : '=';
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = last ? (text[i + 3] == '=') + (text[i + 3] == '=' && text[i + 2] == '=') : 0;
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 4 - padding; ++j) {
      const auto value = value_of(text[i + j]);
      if (!value) return std::nullopt;
      bits |= *value << (18 - 6 * j);
    }
    for (std::size_t j = 0; j < 3; ++j) {
      const char byte = static_cast<char>(bits >> (16 - 8 * j) & 0xff);
      if (j < 3 - padding) {
        out += byte;
      } else if (byte != 0) {
        return std::nullopt;
      }
    }
  }
  return out;
}

void append_base64url(std::string& out, std::string_view bytes) {
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out.push_back(kUrlDigits[bits >> (held - 6) & 63]);
  }
  if (held > 0) out.push_back(kUrlDigits[bits << (6 - held) & 63]);
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int value = url_digit_value(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<char>(bits >> held));
  }
  // One spelling only: no digit too many, and no bits set that carry nothing.
  if (held >= 6 || (bits & ((1u << held) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace taskledger
