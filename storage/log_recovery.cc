#include "storage/log_recovery.h"

#include <algorithm>
#include <map>

#include "storage/feed_block.h"
#include "storage/keys.h"

namespace taskledger::storage {
namespace {

constexpr std::uint32_t kBatchRecords = 10'000;

// Per workspace the lowest workspace position among the leftovers.
using Lowest = std::map<WorkspaceNumber, std::uint64_t>;

rocksdb::Status remove_index_ranges(const LogTables& tables, const Lowest& lowest) {
  rocksdb::WriteBatch batch;
  for (const auto& [workspace, first] : lowest) {
    const auto end = keys::in_workspace(workspace, UINT64_MAX);
    batch.DeleteRange(tables.workspaces, keys::in_workspace(workspace, first), end);
    // The block of the first leftover was not full at the head, so its summary counts leftovers too.
    batch.DeleteRange(tables.blocks, keys::in_workspace(workspace, feed_block_of({first})), end);
  }
  rocksdb::WriteOptions write;
  write.sync = true;
  return tables.db().Write(write, &batch);
}

}  // namespace

Result<std::uint64_t, ReadError> remove_leftovers(const LogTables& tables, const HeadRows& heads) {
  std::unique_ptr<rocksdb::Iterator> it(tables.db().NewIterator({}, tables.events));
  const auto first = keys::event(heads.head.position.next());
  std::uint64_t count = 0;
  Lowest lowest;
  rocksdb::WriteBatch batch;
  rocksdb::WriteOptions write;  // the events go last: until then a crash only means doing this again
  for (it->Seek(first); it->Valid(); it->Next(), ++count) {
    if (it->key().size() != 8) return ReadError{"the key of a record past the head is damaged"};
    const Position position{get_int<std::uint64_t>(it->key().data())};
    const auto decoded = decode_record(position, {it->value().data(), it->value().size()});
    if (!decoded) continue;
    const Record& record = decoded->record;
    batch.Delete(tables.streams, keys::stream(record.workspace, record.stream, record.version));
    auto [entry, added] = lowest.try_emplace(record.workspace, record.in_workspace.value);
    if (!added) entry->second = std::min(entry->second, record.in_workspace.value);
    if (batch.Count() >= kBatchRecords) {
      if (auto status = tables.db().Write(write, &batch); !status.ok()) return read_error(status);
      batch.Clear();
    }
  }
  if (!it->status().ok()) return read_error(it->status());
  if (count == 0) return 0;
  auto status = tables.db().Write(write, &batch);
  if (status.ok()) status = remove_index_ranges(tables, lowest);
  batch.Clear();
  batch.DeleteRange(tables.events, first, std::string(8, '\xff'));
  write.sync = true;
  if (status.ok()) status = tables.db().Write(write, &batch);
  if (!status.ok()) return read_error(status);
  return count;
}

}  // namespace taskledger::storage
