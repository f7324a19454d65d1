// Ids of requests, so that an answer, an access line and a client's own log can be brought together. One given in
// X-Request-Id is kept when it is harmless in a header and in a log; otherwise one is made here. They are no secrets
// and need not be hard to guess, only distinct.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>

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

// Not for use by several threads: each has its own.
class RequestIds {
 public:
  RequestIds() {
    std::random_device device;
    state_ = (std::uint64_t{device()} << 32) | device();
  }
  // SplitMix64 over a counter from a random start: a permutation, so that one thread repeats none.
  [[nodiscard]] RequestId next() {
    std::uint64_t bits = state_ += 0x9e3779b97f4a7c15;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    bits ^= bits >> 31;
    RequestId id;
    for (char& c : id) {
      c = "0123456789abcdef"[bits & 15];
      bits >>= 4;
    }
    return id;
  }

 private:
  std::uint64_t state_;
};

}  // namespace taskledger::http
