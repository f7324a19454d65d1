// Something done again and again on a thread of its own, until this goes: the last round is waited for.
// Threads: `work` runs on that thread alone.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "core/named_thread.h"

namespace taskledger {

class Periodic {
 public:
  // The first time after `interval`. `name` as in named_thread().
  Periodic(const char* name, std::chrono::milliseconds interval, std::function<void()> work)
      : thread_(named_thread(name, [this, interval, work = std::move(work)] { run(interval, work); })) {}
  ~Periodic() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  Periodic(const Periodic&) = delete;
  Periodic& operator=(const Periodic&) = delete;

 private:
  void run(std::chrono::milliseconds interval, const std::function<void()>& work) {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, interval, [this] { return closing_; })) {
      lock.unlock();
      work();
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace taskledger
