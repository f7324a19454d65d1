// Who waits for the read models to pass a position, of the log or of a workspace.
// Threads: any. Callbacks run on the thread that reports progress, or at once on the caller's. That thread applies
// events meanwhile: a callback hands over and returns; it neither blocks nor asks the read models or their runner for
// anything.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/ids.h"

namespace taskledger::projections {

class Waiters {
 public:
  using Done = std::function<void()>;

  // `passed` is asked under the lock: one who adds while progress is reported is never forgotten.
  template <class Passed>
  void wait(std::uint64_t position, Done done, const Passed& passed) {
    {
      const std::lock_guard lock(mutex_);
      if (!released_ && passed() < position) {
        waiting_.emplace(position, std::pair{std::uint64_t{0}, std::move(done)});
        return;
      }
    }
    done();
  }
  template <class Passed>
  std::uint64_t wait(WorkspaceNumber workspace, std::uint64_t position, Done done, const Passed& passed) {
    std::uint64_t id = 0;
    {
      const std::lock_guard lock(mutex_);
      id = ++last_id_;
      if (!released_ && passed() < position) {
        in_workspace_[workspace].emplace(position, std::pair{id, std::move(done)});
        where_[id] = {workspace, position};
        return id;
      }
    }
    done();
    return id;
  }
  void cancel(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    const auto found = where_.find(id);
    if (found == where_.end()) return;
    Queue& queue = in_workspace_[found->second.first];
    const auto [begin, end] = queue.equal_range(found->second.second);
    for (auto one = begin; one != end; ++one) {
      if (one->second.first != id) continue;
      queue.erase(one);
      break;
    }
    if (queue.empty()) in_workspace_.erase(found->second.first);
    where_.erase(found);
  }

  void passed(std::uint64_t position) { call(take(&waiting_, position)); }
  void passed(WorkspaceNumber workspace, std::uint64_t position) {
    {
      const std::lock_guard lock(mutex_);
      if (in_workspace_.empty()) return;
    }
    call(take_of(workspace, position));
  }
  // Lets everybody go, now and from now on: there will be no more progress.
  void release() {
    std::vector<Done> ready;
    {
      const std::lock_guard lock(mutex_);
      released_ = true;
      collect(waiting_, UINT64_MAX, ready);
      for (auto& [workspace, queue] : in_workspace_) collect(queue, UINT64_MAX, ready);
      in_workspace_.clear();
    }
    call(std::move(ready));
  }

 private:
  using Queue = std::multimap<std::uint64_t, std::pair<std::uint64_t, Done>>;

  void collect(Queue& queue, std::uint64_t position, std::vector<Done>& ready) {
    const auto end = queue.upper_bound(position);
    for (auto one = queue.begin(); one != end; ++one) {
      ready.push_back(std::move(one->second.second));
      where_.erase(one->second.first);
    }
    queue.erase(queue.begin(), end);
  }
  std::vector<Done> take(Queue* queue, std::uint64_t position) {
    std::vector<Done> ready;
    const std::lock_guard lock(mutex_);
    collect(*queue, position, ready);
    return ready;
  }
  std::vector<Done> take_of(WorkspaceNumber workspace, std::uint64_t position) {
    std::vector<Done> ready;
    const std::lock_guard lock(mutex_);
    const auto found = in_workspace_.find(workspace);
    if (found == in_workspace_.end()) return ready;
    collect(found->second, position, ready);
    if (found->second.empty()) in_workspace_.erase(found);
    return ready;
  }
  static void call(std::vector<Done> ready) {
    for (const Done& done : ready) done();
  }

  std::mutex mutex_;
  Queue waiting_;
  std::unordered_map<WorkspaceNumber, Queue> in_workspace_;
  std::unordered_map<std::uint64_t, std::pair<WorkspaceNumber, std::uint64_t>> where_;
  std::uint64_t last_id_ = 0;
  bool released_ = false;
};

}  // namespace taskledger::projections
