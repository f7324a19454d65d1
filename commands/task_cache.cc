#include "commands/task_cache.h"

#include <iterator>
#include <utility>

namespace taskledger::commands {

TaskCache::Entry* TaskCache::find(const Key& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &*found->second;
}

TaskCache::Entry& TaskCache::keep(const Key& key, Task state) {
  const auto [place, fresh] = index_.try_emplace(key);
  if (!fresh) {
    entries_.splice(entries_.begin(), entries_, place->second);
    entries_.front().state = std::move(state);
    return entries_.front();
  }
  entries_.push_front({key, std::move(state), next_serial_++, 0});
  place->second = entries_.begin();
  evict();
  return entries_.front();
}

void TaskCache::settle(const Key& key, std::uint64_t serial) {
  const auto found = index_.find(key);
  if (found != index_.end() && found->second->serial == serial && found->second->under_way > 0) {
    --found->second->under_way;
  }
}

void TaskCache::drop(const Key& key, std::uint64_t serial) {
  const auto found = index_.find(key);
  if (found == index_.end() || found->second->serial != serial) return;
  entries_.erase(found->second);
  index_.erase(found);
}

void TaskCache::evict() {
  // Entries under way are as many as the log's queue holds at most, so a few steps past them are enough.
  auto at = std::prev(entries_.end());
  while (entries_.size() > capacity_ && at != entries_.begin()) {
    const auto before = std::prev(at);
    if (at->under_way == 0) {
      index_.erase(at->key);
      entries_.erase(at);
    }
    at = before;
  }
}

}  // namespace taskledger::commands
