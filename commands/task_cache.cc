#include "commands/task_cache.h"

namespace taskledger::commands {
namespace {

constexpr std::size_t kRoomKept = 1024;  // bytes of texts that an entry keeps for the next state

std::size_t bytes_of(const Task& task) {
  constexpr std::size_t kIndexed = 16;  // beside the entry
  return sizeof(TaskCache::Entry) - sizeof task + kIndexed + size_of(task);
}

std::uint32_t hash_of(const TaskCache::Key& key) {
  const std::size_t hash = std::hash<TaskId>{}(key.task) ^ std::hash<WorkspaceNumber>{}(key.workspace);
  return static_cast<std::uint32_t>(hash ^ hash >> 32);
}

}  // namespace

template <class Is>
std::optional<TaskCache::Place> TaskCache::Index::find(std::uint32_t hash, const Is& is) const {
  if (slots_.empty()) return std::nullopt;
  for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
    const Slot& slot = slots_[at];
    if (slot.place == kNowhere) return std::nullopt;
    if (slot.hash == hash && is(slot.place)) return slot.place;
  }
}

void TaskCache::Index::put(Slot slot) {
  std::size_t at = slot.hash & mask();
  while (slots_[at].place != kNowhere) at = (at + 1) & mask();
  slots_[at] = slot;
}

void TaskCache::Index::insert(std::uint32_t hash, Place place) {
  if ((size_ + 1) * 4 > slots_.size() * 3) {
    std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.place != kNowhere) put(slot);
    }
  }
  put({hash, place});
  ++size_;
}

void TaskCache::Index::erase(std::uint32_t hash, Place place) {
  std::size_t hole = hash & mask();
  while (slots_[hole].place != place) hole = (hole + 1) & mask();
  for (std::size_t at = (hole + 1) & mask(); slots_[at].place != kNowhere; at = (at + 1) & mask()) {
    const std::size_t home = slots_[at].hash & mask();
    if (((at - home) & mask()) < ((at - hole) & mask())) continue;  // it may not move before its home
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = {};
  --size_;
}

std::optional<TaskCache::Place> TaskCache::place_of(const Key& key) {
  return index_.find(hash_of(key), [&](Place place) { return at(place).key == key; });
}

TaskCache::Entry* TaskCache::find(const Key& key) {
  const auto place = place_of(key);
  if (!place) return nullptr;
  Entry& entry = at(*place);
  unlink(entry);
  link_newest(entry);
  return &entry;
}

TaskCache::Entry& TaskCache::keep(const Key& key, const Task& state) {
  Entry* entry = find(key);
  if (entry == nullptr) entry = &add(key);
  if (size_of(entry->state) > size_of(state) + kRoomKept) entry->state = {};
  entry->state = state;
  bytes_ -= entry->bytes;
  entry->bytes = bytes_of(entry->state);
  bytes_ += entry->bytes;
  evict();
  return *entry;
}

TaskCache::Entry& TaskCache::add(const Key& key) {
  if (free_.empty()) {
    if (used_ % kTogether == 0) entries_.push_back(std::make_unique<Entry[]>(kTogether));
    free_.push_back(used_++);
  }
  const Place place = free_.back();
  free_.pop_back();
  Entry& entry = at(place);
  entry.key = key;
  entry.serial = next_serial_++;
  entry.place = place;
  index_.insert(hash_of(key), place);
  link_newest(entry);
  ++size_;
  return entry;
}

void TaskCache::link_newest(Entry& entry) {
  entry.newer = kNowhere;
  entry.older = newest_;
  (newest_ == kNowhere ? oldest_ : at(newest_).newer) = entry.place;
  newest_ = entry.place;
}

void TaskCache::unlink(Entry& entry) {
  (entry.newer == kNowhere ? newest_ : at(entry.newer).older) = entry.older;
  (entry.older == kNowhere ? oldest_ : at(entry.older).newer) = entry.newer;
}

void TaskCache::erase(Entry& entry) {
  unlink(entry);
  index_.erase(hash_of(entry.key), entry.place);
  bytes_ -= entry.bytes;
  entry.bytes = 0;
  entry.serial = 0;
  entry.under_way = 0;
  entry.claimed_by = nullptr;
  if (size_of(entry.state) > sizeof entry.state + kRoomKept) entry.state = {};
  free_.push_back(entry.place);
  --size_;
}

void TaskCache::settle(Place place, std::uint64_t serial) {
  Entry& entry = at(place);
  if (entry.serial == serial && entry.under_way > 0) --entry.under_way;
}

void TaskCache::drop(Place place, std::uint64_t serial) {
  Entry& entry = at(place);
  if (entry.serial == serial) erase(entry);
}

void TaskCache::evict() {
  // Entries under way are as many as the log's queue holds at most, so a few steps past them are enough.
  Place next = oldest_;
  while ((size_ > capacity_ || bytes_ > most_bytes_) && next != newest_) {
    Entry& entry = at(next);
    next = entry.newer;
    if (entry.under_way == 0) erase(entry);
  }
}

}  // namespace taskledger::commands
