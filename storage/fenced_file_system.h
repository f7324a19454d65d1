// The files of the stores in a data directory: makes, replaces and removes none once the directory is no longer at its
// path (DataDirectory::is_in_place), where that path may be somebody else's by now. What is open already is written
// on: it moved along. RocksDB is told that the disk fails, and stops writing. Threads: any.
#pragma once

#include <functional>
#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace taskledger::storage {

inline constexpr const char* kNotInPlace = "the data directory was moved or removed, or its file 'lock' was";

[[nodiscard]] std::shared_ptr<rocksdb::FileSystem> make_fenced_file_system(std::shared_ptr<rocksdb::FileSystem> base,
                                                                           std::function<bool()> is_in_place);

}  // namespace taskledger::storage
