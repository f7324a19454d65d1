#include "storage/commit_queue.h"

namespace taskledger::storage {

std::size_t size_of(const Commit& commit) {
  std::size_t bytes =
      sizeof(Commit) + commit.expected.size() * sizeof(StreamVersion) + commit.erase.size() * sizeof(Uuid);
  for (const auto& record : commit.records)
    bytes += sizeof(NewRecord) + record.payload.size() + (record.trace ? record.trace->size() : 0);
  if (commit.idempotency) bytes += commit.idempotency->key.size() + commit.idempotency->value.size();
  return bytes;
}

Result<void, AppendError> CommitQueue::push(PendingCommit& pending) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return AppendError::closed;
    // A commit larger than the whole budget passes when it is alone.
    if (paused_ || commits_ >= max_commits_ || (commits_ > 0 && bytes_ + pending.bytes > max_bytes_)) {
      return AppendError::queue_full;
    }
    ++commits_;
    bytes_ += pending.bytes;
    waiting_.push_back(std::move(pending));
    wake = taker_sleeps_;
    taker_sleeps_ = false;
  }
  if (wake) not_empty_.notify_one();
  return {};
}

bool CommitQueue::take(std::vector<PendingCommit>& taken) {
  std::unique_lock lock(mutex_);
  while (waiting_.empty() && !closed_) {
    taker_sleeps_ = true;
    not_empty_.wait(lock);
  }
  taker_sleeps_ = false;
  waiting_.swap(taken);
  return !taken.empty();
}

void CommitQueue::release(std::size_t commits, std::size_t bytes) {
  bool idle = false;
  {
    std::lock_guard lock(mutex_);
    commits_ -= commits;
    bytes_ -= bytes;
    idle = commits_ == 0 && paused_;
  }
  if (idle) answered_.notify_all();
}

void CommitQueue::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  not_empty_.notify_all();
}

bool CommitQueue::pause() {
  std::unique_lock lock(mutex_);
  if (paused_ || closed_) return false;
  paused_ = true;
  answered_.wait(lock, [&] { return commits_ == 0; });
  return true;
}

void CommitQueue::resume() {
  std::lock_guard lock(mutex_);
  paused_ = false;
}

}  // namespace taskledger::storage
