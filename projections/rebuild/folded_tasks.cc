#include "projections/rebuild/folded_tasks.h"

#include <cstring>
#include <stdexcept>

#include "core/decider.h"
#include "projections/image/uuid_index.h"
#include "projections/list/list_row.h"

namespace taskledger::projections {

std::uint64_t hash_of_task(WorkspaceNumber workspace, const Uuid& id, std::uint64_t seed) {
  const UuidWords words = words_of(id);
  const auto product = static_cast<unsigned __int128>(words.high ^ seed) * ((words.low ^ (seed << 1)) | 1);
  std::uint64_t mixed = static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product) ^ words.low ^
                        (std::uint64_t{workspace.value} << 32);
  mixed *= 0x9e3779b97f4a7c15ull;
  mixed ^= mixed >> 32;
  return mixed * 0xc2b2ae3d27d4eb4full;
}

std::uint32_t FoldedTasks::number_of(WorkspaceNumber workspace, const Uuid& id, std::uint64_t hash) const {
  if (slots_.empty()) return kNone;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = tag & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.number == kNone) return kNone;
    if (slot.tag != tag) continue;
    const Entry& found = entry(slot.number);
    if (found.workspace == workspace && uuid_equal(found.id, id)) return slot.number;
  }
}

const FoldedTasks::Slot* FoldedTasks::likely(std::uint64_t hash) const {
  if (slots_.empty()) return nullptr;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const Slot& slot = slots_[tag & (slots_.size() - 1)];
  return slot.number != kNone && slot.tag == tag ? &slot : nullptr;
}

void FoldedTasks::prefetch_slot(std::uint64_t hash) const {
  if (!slots_.empty()) __builtin_prefetch(&slots_[static_cast<std::uint32_t>(hash >> 32) & (slots_.size() - 1)]);
}

void FoldedTasks::prefetch_entry(std::uint64_t hash) const {
  if (const Slot* slot = likely(hash)) __builtin_prefetch(&entry(slot->number));
}

void FoldedTasks::prefetch_row(std::uint64_t hash) const {
  const Slot* slot = likely(hash);
  if (slot == nullptr || entry(slot->number).size == 0) return;
  const std::uint8_t* row = unit(entry(slot->number).at);
  __builtin_prefetch(row);
  __builtin_prefetch(row + 64);
}

std::uint32_t FoldedTasks::add(WorkspaceNumber workspace, const Uuid& id, std::uint64_t hash) {
  if ((std::size_t{count_} + 1) * 4 > slots_.size() * 3) grow();
  if (count_ / kChunk == entries_.size()) entries_.push_back(std::make_unique<std::array<Entry, kChunk>>());
  const std::uint32_t number = count_++;
  entry(number) = {.id = id, .workspace = workspace};
  place({static_cast<std::uint32_t>(hash >> 32), number});
  return number;
}

void FoldedTasks::place(const Slot& slot) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = slot.tag & mask;
  while (slots_[at].number != kNone) at = (at + 1) & mask;
  slots_[at] = slot;
}

void FoldedTasks::grow() {
  std::vector<Slot> old(slots_.empty() ? 1024 : slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.number != kNone) place(slot);
  }
}

std::uint32_t FoldedTasks::allocate(std::size_t units) {
  std::uint32_t& first = free_[units];
  if (first != kNone) {
    const std::uint32_t at = first;
    std::memcpy(&first, unit(at), sizeof first);
    return at;
  }
  if (used_in_last_ + units > kUnitsInBlock) {
    blocks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(kUnitsInBlock * kUnit));
    used_in_last_ = 0;
  }
  const std::size_t at = (blocks_.size() - 1) * kUnitsInBlock + used_in_last_;
  used_in_last_ += units;
  return static_cast<std::uint32_t>(at);
}

void FoldedTasks::release(Entry& entry) {
  if (entry.room == 0) return;
  std::memcpy(unit(entry.at), &free_[entry.room], sizeof(std::uint32_t));
  free_[entry.room] = entry.at;
  entry.room = entry.size = 0;
}

void FoldedTasks::store(Entry& entry) {
  const std::size_t units = (bytes_.size() + kUnit - 1) / kUnit;
  if (units > kMaxUnits) throw std::length_error("a task's row is larger than any task may be");
  if (units != entry.room) {
    release(entry);
    entry.at = allocate(units);
    entry.room = static_cast<std::uint16_t>(units);
  }
  entry.size = static_cast<std::uint16_t>(bytes_.size());
  std::memcpy(unit(entry.at), bytes_.data(), bytes_.size());
}

const Task* FoldedTasks::apply(const storage::Record& record, std::uint64_t hash, const TaskEvent& event) {
  std::uint32_t number = number_of(record.workspace, record.stream, hash);
  if (number == kNone) {
    if (static_cast<EventType>(record.type) != EventType::task_created) return nullptr;  // its creation was erased
    number = add(record.workspace, record.stream, hash);
  }
  last_ = number;
  Entry& at = entry(number);
  task_.id = {record.stream};
  if (at.size == 0) {
    task_ = Task{};
  } else if (!read_list_value(row(at), task_)) {
    throw std::logic_error("a folded row cannot be read");
  }
  task_.lifecycle = at.lifecycle;
  evolve(task_, {record.stream}, record.version, record.time, record.actor, event);
  at.lifecycle = task_.lifecycle;
  bytes_.clear();
  append_list_value(bytes_, task_);
  store(at);
  return &task_;
}

bool FoldedTasks::erase(const storage::Record& record, std::uint64_t hash) {
  const std::uint32_t number = number_of(record.workspace, record.stream, hash);
  if (number == kNone) return false;
  Entry& at = entry(number);
  release(at);
  at.lifecycle = Lifecycle::erased;
  return true;
}

std::optional<std::string_view> FoldedTasks::find(WorkspaceNumber workspace, const Uuid& id, std::uint64_t hash) const {
  const std::uint32_t number = number_of(workspace, id, hash);
  if (number == kNone || entry(number).lifecycle != Lifecycle::live) return std::nullopt;
  return row(entry(number));
}

}  // namespace taskledger::projections
