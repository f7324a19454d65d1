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

  bool post(std::function<void()> job, std::function<void()> dropped) override;
  [[nodiscard]] std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }
  // Drops what is queued, whose callers nobody waits for any more, and joins; later posts are turned away.
  void stop();

 private:
  struct Job {
    std::function<void()> run, dropped;
  };
  void work();

  const std::size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace taskledger::app
