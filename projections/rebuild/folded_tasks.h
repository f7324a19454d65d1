// The states of a share of the log's tasks, live and deleted, folded from their records; each is kept as the bytes of
// its row of `list`. A few of these, each with the tasks of its share, fold a log in parallel. Threads: one that
// changes it; any number of readers while none does. Memory: about 45 bytes a task beside its row (156 bytes for a
// title of 30 and two links).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/task.h"
#include "storage/event_log.h"

namespace taskledger::projections {

// Of a task in the log; seeded, since callers choose ids.
[[nodiscard]] std::uint64_t hash_of_task(WorkspaceNumber workspace, const Uuid& id, std::uint64_t seed);

class FoldedTasks {
 public:
  struct Entry {
    Uuid id;
    WorkspaceNumber workspace;
    Lifecycle lifecycle = Lifecycle::absent;
    std::uint16_t size = 0, room = 0;  // of the row, in bytes and in units
    std::uint32_t at = 0;              // unit
  };

  // `hash` is the task's. The task after the event; nullptr when the event changes nothing that is looked at. Good
  // until the next call.
  const Task* apply(const storage::Record& record, std::uint64_t hash, const TaskEvent& event);
  // What apply() will read of a task, asked of memory in three steps, each a while before the next and before it.
  void prefetch_slot(std::uint64_t hash) const;
  void prefetch_entry(std::uint64_t hash) const;
  void prefetch_row(std::uint64_t hash) const;
  [[nodiscard]] std::uint32_t last() const { return last_; }  // the number of the task of the last apply()
  // Its payloads are gone: nothing is left to fold. False: nothing of it had been folded.
  bool erase(const storage::Record& record, std::uint64_t hash);

  [[nodiscard]] std::uint32_t size() const { return count_; }
  [[nodiscard]] const Entry& entry(std::uint32_t number) const { return (*entries_[number / kChunk])[number % kChunk]; }
  [[nodiscard]] std::string_view row(const Entry& entry) const {
    return {reinterpret_cast<const char*>(unit(entry.at)), entry.size};
  }
  // The row of a live task.
  [[nodiscard]] std::optional<std::string_view> find(WorkspaceNumber workspace, const Uuid& id,
                                                     std::uint64_t hash) const;

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF, kChunk = 4096;
  static constexpr std::size_t kUnit = 16, kUnitsInBlock = 65'536, kMaxUnits = 512;

  Entry& entry(std::uint32_t number) { return (*entries_[number / kChunk])[number % kChunk]; }
  [[nodiscard]] std::uint8_t* unit(std::uint32_t at) const {
    return blocks_[at / kUnitsInBlock].get() + at % kUnitsInBlock * kUnit;
  }
  [[nodiscard]] std::uint32_t number_of(WorkspaceNumber workspace, const Uuid& id, std::uint64_t hash) const;
  std::uint32_t add(WorkspaceNumber workspace, const Uuid& id, std::uint64_t hash);
  void store(Entry& entry);
  void release(Entry& entry);
  std::uint32_t allocate(std::size_t units);

  std::vector<std::unique_ptr<std::array<Entry, kChunk>>> entries_;
  std::uint32_t count_ = 0, last_ = 0;
  struct Slot {
    std::uint32_t tag = 0, number = kNone;  // tag: the upper half of the hash; the lower one chose the share
  };
  [[nodiscard]] const Slot* likely(std::uint64_t hash) const;  // where number_of() looks first; nullptr: not there
  void place(const Slot& slot);
  void grow();
  std::vector<Slot> slots_;  // open addressing
  std::vector<std::unique_ptr<std::uint8_t[]>> blocks_;
  std::size_t used_in_last_ = kUnitsInBlock;
  std::array<std::uint32_t, kMaxUnits + 1> free_ = filled();  // by size: a list through the free space itself
  static constexpr std::array<std::uint32_t, kMaxUnits + 1> filled() {
    std::array<std::uint32_t, kMaxUnits + 1> none{};
    none.fill(kNone);
    return none;
  }
  Task task_;          // the one at hand
  std::string bytes_;  // its row
};

}  // namespace taskledger::projections
