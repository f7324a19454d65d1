// The images of all workspaces: loaded on first use, locked for many readers and one writer, evicted when cold.
// Threads: any; one writer (the runner's) at a time.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "core/ids.h"
#include "projections/image/image.h"
#include "storage/view_store.h"

namespace taskledger::projections {

// A lock for readers and writers in which a waiting writer goes before new readers, so that writes are not starved.
// Not recursive.
class FairSharedMutex {
 public:
  FairSharedMutex() {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&lock_, &attributes);
    pthread_rwlockattr_destroy(&attributes);
  }
  ~FairSharedMutex() { pthread_rwlock_destroy(&lock_); }
  FairSharedMutex(const FairSharedMutex&) = delete;
  FairSharedMutex& operator=(const FairSharedMutex&) = delete;
  void lock() { pthread_rwlock_wrlock(&lock_); }
  bool try_lock() { return pthread_rwlock_trywrlock(&lock_) == 0; }
  void unlock() { pthread_rwlock_unlock(&lock_); }
  void lock_shared() { pthread_rwlock_rdlock(&lock_); }
  void unlock_shared() { pthread_rwlock_unlock(&lock_); }

 private:
  pthread_rwlock_t lock_;
};

// For an image that is read briefly by io threads and for long by others: those who change it wait for both, a brief
// reader for a change at work alone, never for one that itself waits for a long read. Locked as it is, or shared, it is
// the lock of changes and of long reads.
class ImageMutex {
 public:
  void lock() { long_.lock(), brief_.lock(); }
  bool try_lock() {
    if (!long_.try_lock()) return false;
    if (brief_.try_lock()) return true;
    long_.unlock();
    return false;
  }
  void unlock() { brief_.unlock(), long_.unlock(); }
  void lock_shared() { long_.lock_shared(); }
  void unlock_shared() { long_.unlock_shared(); }
  // To be locked shared, for reads of microseconds.
  FairSharedMutex& brief() { return brief_; }

 private:
  FairSharedMutex long_, brief_;  // in this order
};

struct WorkspaceImage {
  explicit WorkspaceImage(WorkspaceNumber workspace) : number(workspace) {}
  const WorkspaceNumber number;
  std::mutex loading;
  ImageMutex lock;                          // of `image` and, with it, `position`
  std::unique_ptr<Image> image;             // absent: not loaded
  std::atomic<std::uint64_t> position{0};   // of the events reflected; written under `lock`
  std::atomic<std::uint64_t> persisted{0};  // of the rows on disk
  std::atomic<std::uint64_t> last_used{0};  // a count of uses, for eviction
  std::atomic<std::size_t> bytes{0};        // of the image, as last measured
  std::atomic<bool> loaded{false};
};

class Workspaces {
 public:
  // `generation` says which generation of `list` images are loaded from; it outlives this, as the store does.
  Workspaces(const storage::ViewStore& views, const std::atomic<std::uint64_t>& generation)
      : views_(views), generation_(generation) {}

  [[nodiscard]] WorkspaceImage& at(WorkspaceNumber number);
  [[nodiscard]] WorkspaceImage* find(WorkspaceNumber number) const;
  [[nodiscard]] std::vector<WorkspaceImage*> all() const;

  // The position that the rows on disk are of, for a workspace not loaded.
  Result<void, storage::ReadError> read_position(WorkspaceImage& workspace);
  // Loads the image unless it is there.
  Result<void, storage::ReadError> load(WorkspaceImage& workspace);

  // Calls answer(image) under the shared lock for brief reads; nullopt: the image is not loaded.
  template <class Answer>
  auto read_loaded(WorkspaceNumber number, const Answer& answer)
      -> std::optional<decltype(answer(std::declval<WorkspaceImage&>()))> {
    WorkspaceImage& workspace = at(number);
    return read_under(workspace, workspace.lock.brief(), answer);
  }
  // The same, loading first where needed.
  template <class Answer>
  auto read(WorkspaceNumber number, const Answer& answer) {
    WorkspaceImage& workspace = at(number);
    return read_under_loading(workspace, workspace.lock.brief(), answer);
  }
  // For reads that may take long; not on io threads.
  template <class Answer>
  auto read_long(WorkspaceNumber number, const Answer& answer) {
    WorkspaceImage& workspace = at(number);
    return read_under_loading(workspace, workspace.lock, answer);
  }

  // Drops the least recently used clean images until the rest fits.
  void evict(std::size_t bytes);
  void measure(WorkspaceImage& workspace);
  // Puts the images of `other`, which nobody else uses any more, in the place of these; those it has not loaded are
  // loaded anew on their next use. Both reflect the same position of the log, and the generation has been switched
  // before. Returns the old images, for letting them go without a lock.
  [[nodiscard]] std::vector<std::unique_ptr<Image>> take_over(Workspaces& other);

 private:
  template <class Mutex, class Answer>
  auto read_under(WorkspaceImage& workspace, Mutex& mutex, const Answer& answer)
      -> std::optional<decltype(answer(workspace))> {
    const std::shared_lock lock(mutex);
    if (workspace.image == nullptr) return std::nullopt;
    workspace.last_used.store(uses_.fetch_add(1, std::memory_order_relaxed), std::memory_order_relaxed);
    return answer(workspace);
  }
  template <class Mutex, class Answer>
  auto read_under_loading(WorkspaceImage& workspace, Mutex& mutex, const Answer& answer)
      -> Result<decltype(answer(workspace)), storage::ReadError> {
    for (;;) {
      if (auto answered = read_under(workspace, mutex, answer)) return *std::move(answered);
      if (const auto loaded = load(workspace); !loaded) return loaded.error();
    }
  }
  Result<void, storage::ReadError> load_from(WorkspaceImage& workspace, std::uint64_t generation);
  const storage::ViewStore& views_;
  const std::atomic<std::uint64_t>& generation_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<WorkspaceNumber, std::unique_ptr<WorkspaceImage>> workspaces_;
  std::atomic<std::uint64_t> uses_{1};
};

}  // namespace taskledger::projections
