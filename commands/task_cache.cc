#include "commands/task_cache.h"

#include <iterator>
#include <utility>

namespace taskledger::commands {
namespace {

// Beside the task itself: the nodes of list and index.
constexpr std::size_t kNodes = 112;

std::size_t bytes_of(const Task& task) { return sizeof(TaskCache::Entry) - sizeof task + kNodes + size_of(task); }

}  // namespace

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
    set_state(entries_.front(), std::move(state));
  } else {
    entries_.push_front({.key = key, .state = {}, .serial = next_serial_++});
    place->second = entries_.begin();
    set_state(entries_.front(), std::move(state));
  }
  evict();
  return entries_.front();
}

void TaskCache::set_state(Entry& entry, Task state) {
  entry.state = std::move(state);
  bytes_ -= entry.bytes;
  entry.bytes = bytes_of(entry.state);
  bytes_ += entry.bytes;
}

void TaskCache::erase(std::list<Entry>::iterator entry) {
  bytes_ -= entry->bytes;
  index_.erase(entry->key);
  entries_.erase(entry);
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
  erase(found->second);
}

void TaskCache::evict() {
  // Entries under way are as many as the log's queue holds at most, so a few steps past them are enough.
  auto at = std::prev(entries_.end());
  while ((entries_.size() > capacity_ || bytes_ > most_bytes_) && at != entries_.begin()) {
    const auto before = std::prev(at);
    if (at->under_way == 0) erase(at);
    at = before;
  }
}

}  // namespace taskledger::commands
