// Ids of requests, so that an answer, an access line and a client's own log can be brought together. One given in
// X-Request-Id is kept when it is harmless in a header and in a log; otherwise one is made here. They are random: from
// ids that follow each other somebody could count the requests of others.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/clock.h"

namespace taskledger::http {

inline constexpr std::size_t kMaxRequestId = 128;

// Letters, digits and -._~:+/=@, at least one, at most kMaxRequestId.
[[nodiscard]] inline bool is_request_id(std::string_view id) {
  constexpr std::string_view kOthers = "-._~:+/=@";
  return !id.empty() && id.size() <= kMaxRequestId && std::all_of(id.begin(), id.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != kOthers.npos;
  });
}

using RequestId = std::array<char, 16>;

[[nodiscard]] inline RequestId make_request_id(const RandomBytes& random) {
  std::array<std::uint8_t, 8> bytes{};
  random(bytes);
  RequestId id;
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = "0123456789abcdef"[bytes[i / 2] >> (i % 2 * 4) & 15];
  return id;
}

}  // namespace taskledger::http
