// The set of pairs of neighbouring bytes in a text, hashed into 128 bits: a text that contains another has all of its
// pairs, so rows are ruled out by 16 bytes each instead of by reading their titles.
// Threads: any. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace taskledger::projections {

struct PairSet {
  std::uint64_t low = 0, high = 0;

  [[nodiscard]] static PairSet of(std::string_view text) {
    PairSet set;
    for (std::size_t i = 1; i < text.size(); ++i) {
      const unsigned pair = static_cast<unsigned char>(text[i - 1]) << 8 | static_cast<unsigned char>(text[i]);
      const unsigned bit = pair * 0x9E3779B1u >> 25;  // multiplicative hashing: the upper 7 of 32 bits
      (bit < 64 ? set.low : set.high) |= std::uint64_t{1} << (bit % 64);
    }
    return set;
  }
  // False: a text with this set does not contain one with the other.
  [[nodiscard]] bool covers(const PairSet& other) const { return ((other.low & ~low) | (other.high & ~high)) == 0; }
  [[nodiscard]] bool empty() const { return (low | high) == 0; }
};

}  // namespace taskledger::projections
