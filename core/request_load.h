// What the threads are at that answer requests, for others who share processors with them.
// Threads: each slot is its own thread's; the rest is anybody's, but that one at a time may wait.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace taskledger {

class RequestLoad {
 public:
  class Slot {
   public:
    void answered() { answered_.store(answered_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
    void works() {
      if (waits_.load(std::memory_order_relaxed)) waits_.store(false, std::memory_order_relaxed);
    }
    // There is nothing to do, until works().
    void waits() {
      waits_.store(true);
      if (load_->somebody_waits_.load() && load_->is_idle()) load_->tell();
    }

   private:
    friend class RequestLoad;
    alignas(64) std::atomic<std::uint64_t> answered_{0};
    std::atomic<bool> waits_{false};
    RequestLoad* load_ = nullptr;
  };

  explicit RequestLoad(std::size_t threads) : slots_(threads) {
    for (Slot& slot : slots_) slot.load_ = this;
  }
  RequestLoad(const RequestLoad&) = delete;
  RequestLoad& operator=(const RequestLoad&) = delete;

  [[nodiscard]] Slot& slot(std::size_t thread) { return slots_.at(thread); }
  // Requests, since the start, about.
  [[nodiscard]] std::uint64_t answered() const {
    std::uint64_t sum = 0;
    for (const Slot& slot : slots_) sum += slot.answered_.load(std::memory_order_relaxed);
    return sum;
  }
  // Whether more than half of the threads have nothing to do.
  [[nodiscard]] bool is_idle() const {
    std::size_t waiting = 0;
    for (const Slot& slot : slots_) waiting += slot.waits_.load() ? 1 : 0;
    return waiting * 2 > slots_.size();
  }
  // Until is_idle() was seen, or `most` has passed.
  void wait_until_idle(std::chrono::nanoseconds most) {
    std::unique_lock lock(mutex_);
    told_ = false;
    somebody_waits_.store(true);
    if (!is_idle()) idle_.wait_for(lock, most, [this] { return told_; });
    somebody_waits_.store(false);
  }

 private:
  void tell() {
    {
      const std::lock_guard lock(mutex_);
      told_ = true;
    }
    idle_.notify_one();
  }

  std::vector<Slot> slots_;
  std::atomic<bool> somebody_waits_{false};
  std::mutex mutex_;
  std::condition_variable idle_;
  bool told_ = false;
};

}  // namespace taskledger
