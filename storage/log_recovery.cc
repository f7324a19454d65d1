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
  return tables.write(write, batch);
}

// Visits the keys of the rows that name a position past the head.
template <class Visit>
Result<void, ReadError> walk_past(const LogTables& tables, rocksdb::ColumnFamilyHandle* table, std::size_t key_bytes,
                                  Position head, const Visit& visit) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> it(tables.db().NewIterator(options, table));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (it->key().size() != key_bytes || it->value().size() != 8) continue;  // for verify to tell
    if (get_int<std::uint64_t>(it->value().data()) <= head.value) continue;
    if (auto visited = visit(it->key()); !visited) return visited;
  }
  if (!it->status().ok()) return read_error(it->status());
  return {};
}

// The index rows of the leftovers: those of `streams` are removed, those of `workspaces` noted.
class IndexRows {
 public:
  explicit IndexRows(const LogTables& tables) : tables_(tables) {}
  Result<void, ReadError> add(const Record& record) {
    note(record.workspace, record.in_workspace.value);
    return remove(keys::stream(record.workspace, record.stream, record.version));
  }
  Result<void, ReadError> add_all_past(Position head) {
    auto walked = walk_past(tables_, tables_.streams, keys::kStreamKeyBytes, head,
                            [this](const rocksdb::Slice& key) { return remove(key); });
    if (!walked) return walked;
    return walk_past(tables_, tables_.workspaces, sizeof(std::uint32_t) + sizeof(std::uint64_t), head,
                     [this](const rocksdb::Slice& key) -> Result<void, ReadError> {
                       note({get_int<std::uint32_t>(key.data())},
                            get_int<std::uint64_t>(key.data() + sizeof(std::uint32_t)));
                       return {};
                     });
  }
  Result<void, ReadError> finish() {
    if (auto written = write(); !written) return written;
    if (const auto status = remove_index_ranges(tables_, lowest_); !status.ok()) return read_error(status);
    return {};
  }

 private:
  void note(WorkspaceNumber workspace, std::uint64_t in_workspace) {
    auto [entry, added] = lowest_.try_emplace(workspace, in_workspace);
    if (!added) entry->second = std::min(entry->second, in_workspace);
  }
  Result<void, ReadError> remove(const rocksdb::Slice& stream) {
    batch_.Delete(tables_.streams, stream);
    return batch_.Count() >= kBatchRecords ? write() : Result<void, ReadError>{};
  }
  Result<void, ReadError> write() {
    rocksdb::WriteOptions synced;  // what follows damage in the WAL was written after a sync (wal_check.h)
    synced.sync = true;
    const auto status = tables_.write(synced, batch_);
    batch_.Clear();
    if (!status.ok()) return read_error(status);
    return {};
  }

  const LogTables& tables_;
  Lowest lowest_;
  rocksdb::WriteBatch batch_;
};

}  // namespace

Result<void, ReadError> check_since(const LogTables& tables, const HeadMark& mark, const Head& head) {
  Position last = mark.position;
  Hash hash = mark.hash;
  auto walked = tables.walk(mark.position, head.position, [&](const DecodedRecord& decoded) {
    if (hash_of(decoded.previous_log) != hash) return false;
    last = decoded.record.position;
    hash = hashes_after(decoded).log;
    return true;
  });
  if (!walked) return walked;
  if (last != head.position || hash != head.hash)
    return damaged(std::min(last.next(), head.position), "record does not follow on the one before it");
  return {};
}

// The events go last: until then a crash only means doing this again.
Result<std::uint64_t, ReadError> remove_leftovers(const LogTables& tables, const HeadRows& heads) {
  std::unique_ptr<rocksdb::Iterator> it(tables.db().NewIterator({}, tables.events));
  const auto first = keys::event(heads.head.position.next());
  std::uint64_t count = 0;
  bool all_read = true;
  IndexRows rows(tables);
  for (it->Seek(first); it->Valid(); it->Next(), ++count) {
    if (it->key().size() != 8) return ReadError{"the key of a record past the head is damaged"};
    const Position position{get_int<std::uint64_t>(it->key().data())};
    const auto decoded = decode_record(position, it->value().ToStringView());
    all_read = all_read && decoded;
    if (!decoded) continue;
    if (auto added = rows.add(decoded->record); !added) return added.error();
  }
  if (!it->status().ok()) return read_error(it->status());
  if (count == 0) return 0;
  if (!all_read) {
    if (auto added = rows.add_all_past(heads.head.position); !added) return added.error();
  }
  if (auto removed = rows.finish(); !removed) return removed.error();
  rocksdb::WriteBatch batch;
  batch.DeleteRange(tables.events, first, std::string(8, '\xff'));
  rocksdb::WriteOptions write;
  write.sync = true;
  if (const auto status = tables.write(write, batch); !status.ok()) return read_error(status);
  return count;
}

}  // namespace taskledger::storage
