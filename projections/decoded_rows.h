// Tasks on their way from the thread that decodes their rows to the one that loads them, in batches that are used again
// with the memory they hold. Threads: one that gives, one that takes; or one alone, which takes each at once.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "core/task.h"

namespace taskledger::projections {

class DecodedRows {
 public:
  using Take = std::function<void(const Task&)>;

  explicit DecodedRows(bool alone) : alone_(alone), empty_(alone ? 0 : kBatches - 1), filling_(alone ? 1 : kBatch) {}
  [[nodiscard]] bool alone() const { return alone_; }
  void give_at_once_to(Take take) { take_ = std::move(take); }

  // Where the next task is to be written, then push().
  [[nodiscard]] Task& next() { return filling_[count_]; }
  void push() {
    if (alone_) return take_(filling_[0]);
    if (++count_ == kBatch) hand_on();
  }
  void close() {
    if (alone_) return;
    if (count_ != 0) hand_on();
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  void take_all(const Take& take) {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !full_.empty() || closed_; });
      if (full_.empty()) return;
      auto [batch, count] = std::move(full_.front());
      full_.pop_front();
      lock.unlock();
      for (std::size_t i = 0; i < count; ++i) take(batch[i]);
      lock.lock();
      empty_.push_back(std::move(batch));
      changed_.notify_all();
    }
  }

 private:
  static constexpr std::size_t kBatch = 512, kBatches = 8;
  using Batch = std::vector<Task>;

  void hand_on() {
    std::unique_lock lock(mutex_);
    full_.emplace_back(std::move(filling_), std::exchange(count_, 0));
    changed_.notify_all();
    changed_.wait(lock, [this] { return !empty_.empty(); });
    filling_ = std::move(empty_.back());
    empty_.pop_back();
    filling_.resize(kBatch);
  }

  const bool alone_;
  Take take_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Batch> empty_;
  Batch filling_;
  std::size_t count_ = 0;
  std::deque<std::pair<Batch, std::size_t>> full_;
  bool closed_ = false;
};

}  // namespace taskledger::projections
