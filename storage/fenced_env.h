// The Env of the stores in a data directory: makes, replaces and removes no file once the directory is no longer at its
// path (DataDirectory::is_in_place), where that path may be somebody else's by now. What is open already is written
// on: it moved along. RocksDB is told that the disk fails, and stops writing. Threads: any.
#pragma once

#include <functional>
#include <memory>

namespace rocksdb {
class Env;
}

namespace taskledger::storage {

inline constexpr const char* kNotInPlace = "the data directory was moved or removed, or its file 'lock' was";

// `base` must outlive it; null: the default one.
[[nodiscard]] std::unique_ptr<rocksdb::Env> make_fenced_env(rocksdb::Env* base, std::function<bool()> is_in_place);

}  // namespace taskledger::storage
