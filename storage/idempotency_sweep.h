// Removes expired idempotency rows by their index of expiry, a few with each group of commits, so that neither a scan
// of everything nor a pause is ever needed. Threads: the appender's, so that no row is written anew meanwhile.
#pragma once

#include <rocksdb/write_batch.h>

#include "storage/log_tables.h"

namespace taskledger::storage {

class IdempotencySweep {
 public:
  explicit IdempotencySweep(const LogTables& tables) : tables_(tables) {}
  void put(rocksdb::WriteBatch& batch, const IdempotencyRow& row);
  // Adds to `batch` the removal of at most `limit` rows that have expired by `now`.
  Result<void, ReadError> sweep(rocksdb::WriteBatch& batch, Timestamp now, std::size_t limit);

 private:
  const LogTables& tables_;
  std::int64_t next_ms_ = 0;  // nothing expires before this
  std::string swept_ = "X";   // every index row before this is removed
};

}  // namespace taskledger::storage
