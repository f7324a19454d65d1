// Base64 of RFC 4648: the standard alphabet, padded (section 4), and that for URLs, not padded (section 5). Pure; any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace taskledger {

[[nodiscard]] std::string to_base64(std::span<const std::uint8_t> bytes);
// The bytes as a string; nullopt for anything but the one canonical spelling (padding given, unused bits zero).
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

[[nodiscard]] inline std::string to_base64(std::string_view bytes) {
  return to_base64(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

void append_base64url(std::string& out, std::string_view bytes);
// As from_base64(): one spelling only, no padding.
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

}  // namespace taskledger
