// Where to cut a row of things of different weight into parts for several threads. Threads: any. Pure.
#pragma once

#include <cstddef>
#include <numeric>
#include <vector>

namespace taskledger::projections {

// Cuts [0, weights.size()) into at most `parts` stretches of about the same weight; their ends, ascending, the last of
// them the size. What weighs nothing goes with what is before it, or is the first stretch's.
[[nodiscard]] inline std::vector<std::size_t> cuts(const std::vector<std::size_t>& weights, std::size_t parts) {
  const std::size_t all = std::accumulate(weights.begin(), weights.end(), std::size_t{0});
  std::vector<std::size_t> ends;
  std::size_t before = 0;
  for (std::size_t i = 0; before < all; ++i) {
    const std::size_t part = before * parts / all;
    before += weights[i];
    if (before < all && before * parts / all > part) ends.push_back(i + 1);
  }
  ends.push_back(weights.size());
  return ends;
}

}  // namespace taskledger::projections
