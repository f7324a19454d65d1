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

struct WorkspaceImage {
  explicit WorkspaceImage(WorkspaceNumber workspace) : number(workspace) {}
  const WorkspaceNumber number;
  std::mutex loading;
  FairSharedMutex lock;                     // of `image` and, with it, `position`
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

  // Calls answer(image) under the shared lock; nullopt: the image is not loaded.
  template <class Answer>
  auto read_loaded(WorkspaceNumber number, const Answer& answer)
      -> std::optional<decltype(answer(std::declval<WorkspaceImage&>()))> {
    WorkspaceImage& workspace = at(number);
    const std::shared_lock lock(workspace.lock);
    if (workspace.image == nullptr) return std::nullopt;
    workspace.last_used.store(uses_.fetch_add(1, std::memory_order_relaxed), std::memory_order_relaxed);
    return answer(workspace);
  }
  // The same, loading first where needed.
  template <class Answer>
  auto read(WorkspaceNumber number, const Answer& answer)
      -> Result<decltype(answer(std::declval<WorkspaceImage&>())), storage::ReadError> {
    for (;;) {
      if (auto answered = read_loaded(number, answer)) return *std::move(answered);
      if (const auto loaded = load(at(number)); !loaded) return loaded.error();
    }
  }

  // Drops the least recently used clean images until the rest fits.
  void evict(std::size_t bytes);
  void measure(WorkspaceImage& workspace);
  // Puts the images of `other`, which nobody else uses any more, in the place of these; those it has not loaded are
  // loaded anew on their next use. Both reflect the same position of the log, and the generation has been switched
  // before. Returns the old images, for letting them go without a lock.
  [[nodiscard]] std::vector<std::unique_ptr<Image>> take_over(Workspaces& other);

 private:
  Result<void, storage::ReadError> load_from(WorkspaceImage& workspace, std::uint64_t generation);
  const storage::ViewStore& views_;
  const std::atomic<std::uint64_t>& generation_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<WorkspaceNumber, std::unique_ptr<WorkspaceImage>> workspaces_;
  std::atomic<std::uint64_t> uses_{1};
};

}  // namespace taskledger::projections
