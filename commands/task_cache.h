// The latest known state of recently touched tasks, those of commits under way included: the least recently used go
// first, never one under way. What it holds is a guess that the log checks (expected versions), so a stale entry costs
// a retry and nothing else; times in it are those of the decision, not of the commit.
// Every change passes through it, and mostly one entry goes for each that comes: an entry is written over by the next
// one, with the memory of its texts, and is found again by its place.
// Threads: none of its own; the command handler's mutex guards it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

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
  // Where an entry stands; another may stand there later, with another serial.
  using Place = std::uint32_t;
  struct Entry {
    Key key;
    Task state;
    std::uint64_t serial = 0;     // tells this entry from a later one, of the same task too; 0: free
    std::uint32_t under_way = 0;  // commits queued and not answered that made this state
    Place place = 0;
    std::size_t bytes = 0;
    const void* claimed_by = nullptr;  // a command that can only be decided while none of others' is under way
    Place newer = 0, older = 0;        // in order of use
  };

  // Of entries, and of bytes of their states.
  TaskCache(std::size_t capacity, std::size_t bytes) : capacity_(capacity), most_bytes_(bytes) {}

  // nullptr when it is not held. Valid until the next call of keep or drop.
  [[nodiscard]] Entry* find(const Key& key);
  // Replaces the state; keeps serial and commits under way of an entry that is there.
  Entry& keep(const Key& key, const Task& state);
  // One commit of the entry is answered. Nothing when another one stands there by now.
  void settle(Place place, std::uint64_t serial);
  void drop(Place place, std::uint64_t serial);
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  // From keys to places: open addressing, with enough of each key's hash to pass the others by without a look.
  class Index {
   public:
    template <class Is>  // is(place): it is the one that is looked for
    [[nodiscard]] std::optional<Place> find(std::uint32_t hash, const Is& is) const;
    void insert(std::uint32_t hash, Place place);
    void erase(std::uint32_t hash, Place place);

   private:
    struct Slot {
      std::uint32_t hash = 0;
      Place place = kNowhere;
    };
    [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
    void put(Slot slot);
    std::vector<Slot> slots_;
    std::size_t size_ = 0;
  };
  static constexpr Place kNowhere = 0xFFFFFFFF;
  static constexpr std::size_t kTogether = 256;  // entries allocated at a time, so that they stay where they are

  [[nodiscard]] Entry& at(Place place) { return entries_[place / kTogether][place % kTogether]; }
  [[nodiscard]] std::optional<Place> place_of(const Key& key);
  Entry& add(const Key& key);
  void link_newest(Entry& entry);
  void unlink(Entry& entry);
  void erase(Entry& entry);
  void evict();

  std::size_t capacity_, most_bytes_;
  std::size_t size_ = 0, bytes_ = 0;  // of all entries
  std::uint64_t next_serial_ = 1;
  std::vector<std::unique_ptr<Entry[]>> entries_;
  Place used_ = 0;           // places that ever held an entry
  std::vector<Place> free_;  // of those
  Place newest_ = kNowhere, oldest_ = kNowhere;
  Index index_;
};

}  // namespace taskledger::commands
