// RocksDB's Env made of a FileSystem of ours. Inside `storage` only.
#pragma once

#include <memory>

namespace rocksdb {
class Env;
class FileSystem;
}  // namespace rocksdb

namespace taskledger::storage {

// With the clock of `base`, which must outlive it; threads are those of the default one.
[[nodiscard]] std::unique_ptr<rocksdb::Env> make_env(std::shared_ptr<rocksdb::FileSystem> files, rocksdb::Env& base);

}  // namespace taskledger::storage
