// The commits that wait for the appender: bounded in number and bytes, counted until they are answered, so that a slow
// disk costs 503s and never memory. Erasures are answered after their purge, which a backup may hold up for long: they
// may be half of all at most, so that others find room. Threads: any may push and release, one takes.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "storage/event_log.h"

namespace taskledger::storage {

struct PendingCommit {
  Commit commit;
  EventLog::OnAppended done;
  std::size_t bytes = 0;
};

class CommitQueue {
 public:
  struct Depth {
    std::size_t commits = 0, bytes = 0;
    std::size_t erasures = 0;  // of the commits
  };

  CommitQueue(std::size_t max_commits, std::size_t max_bytes) : max_commits_(max_commits), max_bytes_(max_bytes) {}

  // An error leaves `pending` with the caller.
  Result<void, AppendError> push(PendingCommit& pending);
  // Waits for commits, calls `hold`, which may wait for more to come, and moves all of them to `taken`; false: closed,
  // and nothing is left. What was in it, answered, is destroyed by the next to push, callbacks too, if it is not much:
  // its memory is of the threads that push, and who allocates it anew finds it at hand. Destroying a callback must take
  // no lock.
  bool take(std::vector<PendingCommit>& taken, const std::function<void()>& hold = {});
  // These have been answered.
  void release(const Depth& answered);
  // Of those that are not answered yet.
  [[nodiscard]] Depth depth() const {
    const std::lock_guard lock(mutex_);
    return depth_;
  }

  // Later pushes are refused with `closed`; what is in the queue is still taken.
  void close();
  // Later pushes are refused with queue_full until resume(); waits until everything before has been answered, erasures
  // after their purge: not for a thread that answers.
  // False: it is paused already, or closed.
  bool pause();
  void resume();

 private:
  const std::size_t max_commits_, max_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable not_empty_, answered_;
  std::vector<PendingCommit> waiting_, spent_;
  Depth depth_;  // waiting or taken, not yet answered
  bool closed_ = false, paused_ = false, taker_sleeps_ = false;
};

[[nodiscard]] std::size_t size_of(const Commit& commit);

}  // namespace taskledger::storage
