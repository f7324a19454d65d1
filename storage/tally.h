// A histogram that one thread fills and any may read: three relaxed stores a value, no lock.
// A reader may see a value counted that is not yet in the sum; the next reading has it.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace taskledger::storage {

struct Distribution {
  std::vector<double> bounds;         // upper, included, ascending
  std::vector<std::uint64_t> counts;  // of each bound, and one more for what is beyond the last; not cumulative
  double sum = 0;
};

template <std::size_t N>
class Tally {
 public:
  explicit constexpr Tally(const std::array<double, N>& bounds) : bounds_(bounds) {}
  // By one thread.
  void add(double value) {
    auto& count = counts_[std::size_t(std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin())];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    sum_.store(sum_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }
  [[nodiscard]] Distribution read() const {
    Distribution out{{bounds_.begin(), bounds_.end()}, {}, sum_.load(std::memory_order_relaxed)};
    for (const auto& count : counts_) out.counts.push_back(count.load(std::memory_order_relaxed));
    return out;
  }

 private:
  const std::array<double, N> bounds_;
  std::array<std::atomic<std::uint64_t>, N + 1> counts_{};
  std::atomic<double> sum_{0};
};

}  // namespace taskledger::storage
