#include "storage/commit_queue.h"

#include <algorithm>
#include <utility>

namespace taskledger::storage {
namespace {

// Who pushes may hold others up meanwhile: so many are destroyed in some 50 us.
constexpr std::size_t kMaxSpent = 128, kMaxSpentBytes = std::size_t{256} << 10;

}  // namespace

std::size_t size_of(const Commit& commit) {
  std::size_t bytes =
      sizeof(Commit) + commit.expected.size() * sizeof(StreamVersion) + commit.erase.size() * sizeof(Uuid);
  for (const auto& record : commit.records) {
    bytes += sizeof(NewRecord) + record.payload.size() + (record.trace ? record.trace->size() : 0);
    if (record.before) bytes += size_of(*record.before);
    if (record.event) bytes += sizeof(TaskEvent) + record.payload.size();  // its strings are about as long as its text
  }
  if (commit.idempotency) bytes += commit.idempotency->key.size() + commit.idempotency->value.size();
  return bytes;
}

Result<void, AppendError> CommitQueue::push(PendingCommit& pending) {
  const bool erases = !pending.commit.erase.empty();
  bool wake = false;
  std::vector<PendingCommit> spent;  // destroyed outside of the lock
  {
    std::lock_guard lock(mutex_);
    spent.swap(spent_);
    if (closed_) return AppendError::closed;
    // A commit larger than the whole budget passes when it is alone.
    if (paused_ || depth_.commits >= max_commits_ ||
        (depth_.commits > 0 && depth_.bytes + pending.bytes > max_bytes_) ||
        (erases && depth_.erasures >= std::max(max_commits_ / 2, std::size_t{1}))) {
      return AppendError::queue_full;
    }
    ++depth_.commits;
    depth_.bytes += pending.bytes;
    depth_.erasures += erases ? 1 : 0;
    waiting_.push_back(std::move(pending));
    wake = taker_sleeps_;
    taker_sleeps_ = false;
  }
  if (wake) not_empty_.notify_one();
  return {};
}

bool CommitQueue::take(std::vector<PendingCommit>& taken, const std::function<void()>& hold) {
  std::size_t bytes = 0;
  for (const PendingCommit& one : taken) bytes += one.bytes;
  if (taken.size() > kMaxSpent || bytes > kMaxSpentBytes) taken.clear();
  std::unique_lock lock(mutex_);
  spent_.swap(taken);
  if (!taken.empty()) {  // nobody has pushed since the last time
    lock.unlock();
    taken.clear();
    lock.lock();
  }
  while (waiting_.empty() && !closed_) {
    taker_sleeps_ = true;
    not_empty_.wait(lock);
  }
  taker_sleeps_ = false;
  if (hold && !waiting_.empty()) {
    lock.unlock();
    hold();
    lock.lock();
  }
  waiting_.swap(taken);
  if (taken.empty()) {  // closed
    std::vector<PendingCommit> spent = std::exchange(spent_, {});
    lock.unlock();
    return false;  // what goes with it needs no lock
  }
  waiting_.reserve(taken.size());
  return true;
}

void CommitQueue::release(const Depth& answered) {
  bool idle = false;
  {
    std::lock_guard lock(mutex_);
    depth_.commits -= answered.commits;
    depth_.bytes -= answered.bytes;
    depth_.erasures -= answered.erasures;
    idle = depth_.commits == 0 && paused_;
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
  answered_.wait(lock, [&] { return depth_.commits == 0; });
  return true;
}

void CommitQueue::resume() {
  std::lock_guard lock(mutex_);
  paused_ = false;
}

}  // namespace taskledger::storage
