// A write-ahead log as RocksDB reads it beside its writer: up to where its fragments are whole. What comes after them
// is zeros that are yet to be written over, or a write that is under way; RocksDB would skip the rest of a block there,
// with what comes into it later. Inside `storage` only.
#pragma once

#include <memory>
#include <string>

namespace rocksdb {
class FSRandomAccessFile;
class FSSequentialFile;
}  // namespace rocksdb

namespace taskledger::storage {

// Of damage that records follow, all is shown as it is, for RocksDB to refuse it. Threads: one.
[[nodiscard]] std::unique_ptr<rocksdb::FSSequentialFile> make_wal_reader(
    std::unique_ptr<rocksdb::FSRandomAccessFile> file);

}  // namespace taskledger::storage
