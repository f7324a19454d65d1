// Merging tables that are needlessly many. RocksDB moves tables whose keys do not meet down as they are: where keys
// only ascend, as those of a log do, every file that a flush ever made would stay, and be held open, one by one.
// Threads: any; slow. A table that cannot be read stays as it is: RocksDB stops all writes when a compaction meets one.
#pragma once

#include <rocksdb/db.h>

#include <cstddef>
#include <span>

namespace taskledger::storage {

// Neighbours of which this many are small become one.
inline constexpr std::size_t kManySmallTables = 16;

void merge_small_tables(rocksdb::DB& db, std::span<rocksdb::ColumnFamilyHandle* const> families,
                        std::size_t many = kManySmallTables);

}  // namespace taskledger::storage
