#include "storage/rocks_reactor_store.h"

#include <rocksdb/write_batch.h>

#include "storage/wal_check.h"

namespace taskledger::storage {
namespace {

Result<void, ReadError> result_of(const rocksdb::Status& status) {
  if (!status.ok()) return read_error(status);
  return {};
}

}  // namespace

// Written without a sync: what a loss of power takes is done again.
rocksdb::WriteBatch RocksReactorStore::new_batch() const {
  rocksdb::WriteBatch batch;
  note_synced(batch, synced_());
  return batch;
}

Result<void, ReadError> RocksReactorStore::write(rocksdb::WriteBatch& batch) {
  const auto status = tables_.write({}, batch);
  if (!status.ok()) failed_(status.ToString());
  return result_of(status);
}

Result<void, ReadError> RocksReactorStore::write(const std::vector<RowChange>& changes) {
  rocksdb::WriteBatch batch = new_batch();
  for (const RowChange& change : changes) {
    const auto status = change.value ? batch.Put(tables_.reactors, change.key, *change.value)
                                     : batch.Delete(tables_.reactors, change.key);
    if (!status.ok()) return read_error(status);
  }
  return write(batch);
}

Result<void, ReadError> RocksReactorStore::remove_prefix(std::string_view prefix) {
  rocksdb::WriteBatch batch = new_batch();
  const auto status = batch.DeleteRange(tables_.reactors, prefix, prefix_end(prefix));
  if (!status.ok()) return read_error(status);
  return write(batch);
}

Result<std::optional<std::string>, ReadError> RocksReactorStore::get(std::string_view key) const {
  std::string value;
  const auto status = tables_.db().Get({}, tables_.reactors, key, &value);
  if (status.IsNotFound()) return std::optional<std::string>{};
  if (!status.ok()) return read_error(status);
  return std::optional<std::string>(std::move(value));
}

Result<void, ReadError> RocksReactorStore::scan(
    std::string_view from, std::string_view to,
    const std::function<bool(std::string_view key, std::string_view value)>& visit) const {
  const rocksdb::Slice upper(to.data(), to.size());
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(tables_.db().NewIterator(options, tables_.reactors));
  for (it->Seek(from); it->Valid(); it->Next()) {
    const rocksdb::Slice key = it->key(), value = it->value();
    if (!visit({key.data(), key.size()}, {value.data(), value.size()})) return {};
  }
  return result_of(it->status());
}

}  // namespace taskledger::storage
