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
  // Adds to `batch` the removal of at most `limit` rows that have expired by `now`. An error is told once and ends the
  // sweeping: rows that stay longer are in nobody's way.
  Result<void, ReadError> sweep(rocksdb::WriteBatch& batch, Timestamp now, std::size_t limit);

 private:
  Result<void, ReadError> remove_expired(rocksdb::WriteBatch& batch, Timestamp now, std::size_t limit);

  const LogTables& tables_;
  bool ended_ = false;
  std::int64_t next_ms_ = 0;  // nothing expires before this
  std::string swept_ = "X";   // every index row before this is removed
};

}  // namespace taskledger::storage
