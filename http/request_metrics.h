// How many requests each route answered, with which status, and how long they took. Counting costs a few relaxed stores
// into memory that only the counting thread writes; collecting sums over the threads.
// Threads: any. A thread that ends leaves its counts behind.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace prometheus {
struct MetricFamily;
}

namespace taskledger::http {

struct Route;

class RequestMetrics {
 public:
  explicit RequestMetrics(std::span<const Route> routes);  // the table outlives this
  ~RequestMetrics();
  // `route`: one of the table, or null for what never found one.
  void count(const Route* route, unsigned status, std::uint64_t microseconds, std::uint64_t bytes);
  void count_failed_authentication(bool turned_away);
  void collect(std::vector<prometheus::MetricFamily>& out) const;

 private:
  struct Counts;
  [[nodiscard]] Counts& mine();

  const std::span<const Route> routes_;
  const std::uint64_t serial_;  // tells this one's counts from another's in a thread's memory
  mutable std::mutex mutex_;    // of the list; the counts themselves are atomic
  std::vector<std::unique_ptr<Counts>> all_;
  std::atomic<std::uint64_t> unauthorized_{0}, turned_away_{0};
};

}  // namespace taskledger::http
