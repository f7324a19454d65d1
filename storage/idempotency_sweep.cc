#include "storage/idempotency_sweep.h"

#include <algorithm>
#include <limits>

#include "storage/keys.h"

namespace taskledger::storage {

void IdempotencySweep::put(rocksdb::WriteBatch& batch, const IdempotencyRow& row) {
  std::string value;
  put_int(value, row.expires.ms);
  value += row.value;
  batch.Put(tables_.idempotency, keys::idempotency(row.key), value);
  const auto index = keys::expiry(row.expires, row.key);
  batch.Put(tables_.idempotency, index, rocksdb::Slice());
  next_ms_ = std::min(next_ms_, row.expires.ms);
  swept_ = std::min(swept_, index);
}

Result<void, ReadError> IdempotencySweep::sweep(rocksdb::WriteBatch& batch, Timestamp now, std::size_t limit) {
  if (ended_ || now.ms < next_ms_) return {};
  auto removed = remove_expired(batch, now, limit);
  ended_ = !removed;
  return removed;
}

Result<void, ReadError> IdempotencySweep::remove_expired(rocksdb::WriteBatch& batch, Timestamp now, std::size_t limit) {
  std::unique_ptr<rocksdb::Iterator> it(tables_.db().NewIterator({}, tables_.idempotency));
  next_ms_ = std::numeric_limits<std::int64_t>::max();
  for (it->Seek(swept_); it->Valid(); it->Next()) {
    const auto index = it->key().ToString();
    if (index.size() < 9 || index[0] != 'X') break;
    const auto expires = get_int<std::int64_t>(index.data() + 1);
    if (expires > now.ms || limit-- == 0) {
      next_ms_ = expires;
      break;
    }
    const auto key = keys::idempotency(std::string_view(index).substr(9));
    std::string value;
    const auto status = tables_.db().Get({}, tables_.idempotency, key, &value);
    if (!status.ok() && !status.IsNotFound()) return read_error(status);
    // A key used again after it had expired has a later row, which stays.
    if (status.ok() && value.size() >= 8 && get_int<std::int64_t>(value.data()) == expires)
      batch.Delete(tables_.idempotency, key);
    batch.Delete(tables_.idempotency, index);
    swept_ = index;
  }
  if (!it->status().ok()) return read_error(it->status());
  return {};
}

}  // namespace taskledger::storage
