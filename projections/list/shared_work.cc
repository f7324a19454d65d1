#include "projections/list/shared_work.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "core/named_thread.h"

namespace taskledger::projections {

namespace {

struct Job {
  const std::function<void(std::size_t)>& work;
  std::size_t parts;
  std::atomic<std::size_t> next{0};
  unsigned helpers = 0;  // at it now; this and the next under the lock
  std::exception_ptr failure;
};

class Helpers {
 public:
  static Helpers& get() {
    static Helpers helpers;
    return helpers;
  }
  ~Helpers() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wanted_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void run(Job& job) {
    const bool shared = !threads_.empty();
    if (shared) {
      {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(&job);
      }
      wanted_.notify_one();
    }
    take_parts(job);
    std::unique_lock lock(mutex_);
    if (shared) {
      std::erase(jobs_, &job);
      done_.wait(lock, [&] { return job.helpers == 0; });
    }
    if (job.failure) std::rethrow_exception(job.failure);
  }

 private:
  Helpers() {
    const unsigned cores = std::thread::hardware_concurrency();
    try {
      for (unsigned i = 1; i < cores; ++i) threads_.push_back(named_thread("query-helper", [this] { help(); }));
    } catch (const std::system_error&) {  // out of threads: those there are do
    }
  }

  void take_parts(Job& job) {
    try {
      for (std::size_t part = job.next++; part < job.parts; part = job.next++) job.work(part);
    } catch (...) {
      job.next = job.parts;
      const std::lock_guard lock(mutex_);
      job.failure = std::current_exception();
    }
  }

  void help() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wanted_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      Job& job = *jobs_.front();
      ++job.helpers;
      lock.unlock();
      wanted_.notify_one();  // the next helper, as long as there is something left
      take_parts(job);
      lock.lock();
      std::erase(jobs_, &job);  // nothing of it is left to begin
      if (--job.helpers == 0) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wanted_, done_;
  std::deque<Job*> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;  // the last: they use all of the above
};

}  // namespace

void share_work(std::size_t parts, const std::function<void(std::size_t)>& work) {
  Job job{work, parts, {}, 0, nullptr};
  Helpers::get().run(job);
}

}  // namespace taskledger::projections
