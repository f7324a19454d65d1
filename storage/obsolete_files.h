// Files of a RocksDB that hold what was to be purged: known before their tables are rewritten, and waited for until
// they are no longer in the directory. An iterator or a backup under way keeps files for as long as it lasts.
// Threads: any.
#pragma once

#include <rocksdb/db.h>

#include <atomic>
#include <string>
#include <vector>

#include "storage/event_log.h"

namespace taskledger::storage {

// The tables of `family` whose keys reach into [first, last], with their paths.
[[nodiscard]] std::vector<std::string> files_with(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family,
                                                  const rocksdb::Slice& first, const rocksdb::Slice& last);
[[nodiscard]] std::vector<std::string> write_ahead_logs(rocksdb::DB& db);
// After everything was flushed and compacted: of the files, those that the database has no more use for. (RocksDB
// leaves alone a table whose keys reach into a range, if it has none in it.) ReadError: `give_up` became true.
Result<void, ReadError> wait_until_removed(rocksdb::DB& db, const std::vector<std::string>& files,
                                           const std::atomic<bool>& give_up = false);

}  // namespace taskledger::storage
