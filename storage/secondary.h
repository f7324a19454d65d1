// Tables opened beside the process that writes them. Inside `storage` only.
#pragma once

#include <filesystem>
#include <memory>

#include "storage/data_directory.h"
#include "storage/held_files.h"
#include "storage/log_tables.h"

namespace taskledger::storage {

// The tables as the writer has them at one instant.
struct SecondaryTables {
  std::unique_ptr<HeldFiles> files;
  std::unique_ptr<LogTables> tables;  // goes before them
};
// Looks through the WAL first, as RocksDB's own errors do not name its files. Takes a directory of its own in
// `scratch_parent` while it opens them; empty: the system's temporary directory.
[[nodiscard]] Result<SecondaryTables, ReadError> open_secondary_tables(const DataDirectory& directory,
                                                                       const std::filesystem::path& scratch_parent,
                                                                       std::size_t block_cache_bytes);

}  // namespace taskledger::storage
