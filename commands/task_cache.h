// The latest known state of recently touched tasks, those of commits under way included: the least recently used go
// first, never one under way. What it holds is a guess that the log checks (expected versions), so a stale entry costs
// a retry and nothing else; times in it are those of the decision, not of the commit.
// Threads: none of its own; the command handler's mutex guards it.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

#include "core/ids.h"
#include "core/task.h"

namespace taskledger::commands {

class TaskCache {
 public:
  struct Key {
    WorkspaceNumber workspace;
    TaskId task;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Entry {
    Key key;
    Task state;
    std::uint64_t serial = 0;     // tells this entry from a later one of the same task
    std::uint32_t under_way = 0;  // commits queued and not answered that made this state
    std::size_t bytes = 0;
    const void* claimed_by = nullptr;  // a command that can only be decided while none of others' is under way
  };

  // Of entries, and of bytes of their states.
  TaskCache(std::size_t capacity, std::size_t bytes) : capacity_(capacity), most_bytes_(bytes) {}

  // nullptr when it is not held. Valid until the next call of keep or drop.
  [[nodiscard]] Entry* find(const Key& key);
  // Replaces the state; keeps serial and commits under way of an entry that is there.
  Entry& keep(const Key& key, Task state);
  // One commit of the entry is answered. Nothing when the entry is another one by now.
  void settle(const Key& key, std::uint64_t serial);
  void drop(const Key& key, std::uint64_t serial);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<TaskId>{}(key.task) ^ std::hash<WorkspaceNumber>{}(key.workspace);
    }
  };
  void set_state(Entry& entry, Task state);
  void erase(std::list<Entry>::iterator entry);
  void evict();

  std::size_t capacity_, most_bytes_;
  std::size_t bytes_ = 0;  // of all entries
  std::uint64_t next_serial_ = 1;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<Key, std::list<Entry>::iterator, Hash> index_;
};

}  // namespace taskledger::commands
