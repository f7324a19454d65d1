#include "storage/stream_versions.h"

#include "storage/keys.h"

namespace taskledger::storage {

Result<bool, ReadError> StreamVersions::is(WorkspaceNumber workspace, const Uuid& stream, Version expected) {
  const Key key{workspace, stream};
  if (auto found = young_.find(key); found != young_.end()) return found->second == expected;
  if (auto found = old_.find(key); found != old_.end()) return found->second == expected;
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
  young_[{workspace, stream}] = version;
}

void StreamVersions::trim() {
  if (young_.size() < half_) return;
  old_ = std::move(young_);
  young_.clear();
}

void StreamVersions::clear() {
  young_.clear();
  old_.clear();
}

}  // namespace taskledger::storage
