#include "storage/stream_versions.h"

#include <algorithm>
#include <utility>

#include "storage/keys.h"

namespace taskledger::storage {

std::size_t StreamVersions::Map::place_of(WorkspaceNumber workspace, const Uuid& stream) const {
  const std::size_t hash = std::hash<Uuid>{}(stream) ^ (workspace.value * 0x9e3779b97f4a7c15ull);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = (hash ^ hash >> 32) & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.version.value == 0 || (slot.stream == stream && slot.workspace == workspace)) return at;
  }
}

Version StreamVersions::Map::find(WorkspaceNumber workspace, const Uuid& stream) const {
  return slots_.empty() ? Version{} : slots_[place_of(workspace, stream)].version;
}

void StreamVersions::Map::set(WorkspaceNumber workspace, const Uuid& stream, Version version) {
  if ((size_ + 1) * 4 > slots_.size() * 3) grow();
  Slot& slot = slots_[place_of(workspace, stream)];
  size_ += slot.version.value == 0;
  slot = {stream, workspace, version};
}

void StreamVersions::Map::grow() {
  std::vector<Slot> old(slots_.empty() ? 256 : slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.version.value != 0) slots_[place_of(slot.workspace, slot.stream)] = slot;
  }
}

void StreamVersions::Map::clear() {
  std::fill(slots_.begin(), slots_.end(), Slot{});
  size_ = 0;
}

Result<bool, ReadError> StreamVersions::is(WorkspaceNumber workspace, const Uuid& stream, Version expected) {
  for (const Map* map : {&young_, &old_}) {
    if (const Version known = map->find(workspace, stream); known.value != 0) return known == expected;
  }
  // Two point reads that Bloom filters mostly answer, rather than a seek to the stream's last row.
  if (expected.value > 0) {
    auto there = has_row(workspace, stream, expected);
    if (!there || !*there) return there;
  }
  auto next = has_row(workspace, stream, expected.next());
  if (!next) return next;
  return !*next;
}

Result<bool, ReadError> StreamVersions::has_row(WorkspaceNumber workspace, const Uuid& stream, Version version) const {
  std::string position;
  const auto status = tables_.db().Get({}, tables_.streams, keys::stream(workspace, stream, version), &position);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return read_error(status);
  return true;
}

void StreamVersions::set(WorkspaceNumber workspace, const Uuid& stream, Version version) {
  if (version.value != 0) young_.set(workspace, stream, version);  // 0: it has no records, as the table says
}

void StreamVersions::trim() {
  if (young_.size() < half_) return;
  std::swap(old_, young_);
  young_.clear();
}

void StreamVersions::clear() {
  young_.clear();
  old_.clear();
}

}  // namespace taskledger::storage
