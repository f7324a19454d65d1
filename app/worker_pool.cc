#include "app/worker_pool.h"

#include <utility>

#include "core/named_thread.h"

namespace taskledger::app {

WorkerPool::WorkerPool(unsigned threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
  threads_.reserve(threads);
  for (unsigned i = 0; i < threads; ++i) threads_.push_back(named_thread("worker", [this] { work(); }));
}

WorkerPool::~WorkerPool() { stop(); }

bool WorkerPool::post(std::function<void()> job, std::function<void()> dropped) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= queue_limit_) return false;
    jobs_.push_back({std::move(job), std::move(dropped)});
  }
  changed_.notify_one();
  return true;
}

void WorkerPool::stop() {
  std::deque<Job> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(jobs_);
  }
  changed_.notify_all();
  for (Job& job : left) {
    job.run = nullptr;  // what it holds goes before its caller is told
    job.dropped();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.run();
    job = {};  // what it holds goes before the next wait
    lock.lock();
  }
}

}  // namespace taskledger::app
