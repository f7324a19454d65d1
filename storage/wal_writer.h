// Write-ahead logs as RocksDB writes them: filled with zeros ahead of what comes, and written over. With a file's size
// and blocks as they were `fdatasync` has nothing to write to the file system's own journal: a small commit takes three
// quarters of the time (docs/benchmarks.md, "the WAL is written over zeros"). PostgreSQL does the same (wal_init_zero).
// Inside `storage` only.
//
// What a power cut may leave: of the bytes that were not synced any pages, zeros in place of the others
// (wal_format.h, wal_check.h), but of the newest file only: what is open is synced before the next one is made. A file
// that is closed ends with its records; one that a crash left ends with zeros.
// Threads: as FileSystem.
#pragma once

#include <cstdint>
#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace taskledger::storage {

// New files called *.log are filled ahead: with as much as they hold, at least 64 KiB (or `most`), at most `most`
// bytes (0: with none), by the write that finds none left. Read or asked for its size, one that is open is what was
// written to it.
[[nodiscard]] std::shared_ptr<rocksdb::FileSystem> make_wal_writing_file_system(
    std::shared_ptr<rocksdb::FileSystem> base, std::uint64_t most);

}  // namespace taskledger::storage
