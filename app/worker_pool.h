// Threads for what takes longer than an io thread may: heavy scans, as-of answers, blocking administration.
// Threads: post() from any; stop() once, from the owner. Jobs must not throw.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "http/api.h"

namespace taskledger::app {

class WorkerPool final : public http::Workers {
 public:
  // At most `queue_limit` jobs wait; more are turned away.
  WorkerPool(unsigned threads, std::size_t queue_limit);
  ~WorkerPool() override;

  bool post(std::function<void()> job) override;
  [[nodiscard]] std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }
  void stop();  // does what is queued, then joins; later posts are turned away

 private:
  void work();

  const std::size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace taskledger::app
