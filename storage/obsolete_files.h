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

// Makes the tables of `family` with keys in [first, last] anew, without what was replaced or removed there; adds to
// `files` the paths of those that reach into the range now.
[[nodiscard]] rocksdb::Status rewrite_tables(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family,
                                             const rocksdb::Slice& first, const rocksdb::Slice& last,
                                             std::vector<std::string>& files);
[[nodiscard]] std::vector<std::string> write_ahead_logs(rocksdb::DB& db);
// After everything was flushed and compacted: the files that the database has no more use for, of those given and of
// the tables that lie there (one that was merged before may still be read by somebody). RocksDB leaves alone a table
// whose keys reach into a range, if it has none in it. ReadError: `give_up` became true.
Result<void, ReadError> wait_until_removed(rocksdb::DB& db, const std::vector<std::string>& files,
                                           const std::atomic<bool>& give_up = false);

}  // namespace taskledger::storage
