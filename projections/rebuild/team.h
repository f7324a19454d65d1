// A few threads that do the parts of one piece of work together, the calling one among them.
// Threads: run() by one at a time, the owner. Jobs must not throw.
#pragma once

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "core/named_thread.h"

namespace taskledger::projections {

// The calling thread gives way to those that answer requests, from now on.
inline void step_back() {
  constexpr int kNice = 10;
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNice));
}

class Team {
 public:
  // `threads`: 0 is one a core. `polite`: they step back.
  explicit Team(unsigned threads, bool polite = false) {
    if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
    for (unsigned i = 1; i < threads; ++i) {
      threads_.push_back(named_thread("rebuild", [this, polite] {
        if (polite) step_back();
        help();
      }));
    }
  }
  ~Team() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    called_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  [[nodiscard]] unsigned size() const { return static_cast<unsigned>(threads_.size()) + 1; }

  // Calls job(0) to job(count - 1), each once; returns when all have returned.
  void run(std::size_t count, const std::function<void(std::size_t)>& job) {
    {
      const std::lock_guard lock(mutex_);
      job_ = &job;
      count_ = count;
      next_ = 0;
      busy_ = threads_.size();
      ++round_;
    }
    called_.notify_all();
    take_parts();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  void help() {
    std::uint64_t seen = 0;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        called_.wait(lock, [&] { return stopping_ || round_ != seen; });
        if (stopping_) return;
        seen = round_;
      }
      take_parts();
      const std::lock_guard lock(mutex_);
      if (--busy_ == 0) done_.notify_one();
    }
  }
  void take_parts() {
    for (std::size_t part = next_++; part < count_; part = next_++) (*job_)(part);
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable called_, done_;
  const std::function<void(std::size_t)>* job_ = nullptr;
  std::size_t count_ = 0, busy_ = 0;
  std::atomic<std::size_t> next_{0};
  std::uint64_t round_ = 0;
  bool stopping_ = false;
};

}  // namespace taskledger::projections
