// Tables opened beside the process that writes them, and the private directory that takes. Inside `storage` only.
#pragma once

#include <filesystem>
#include <memory>

#include "storage/data_directory.h"
#include "storage/log_tables.h"

namespace taskledger::storage {

class ScratchDirectory {
 public:
  static Result<std::unique_ptr<ScratchDirectory>, ReadError> make(const std::filesystem::path& parent);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  ScratchDirectory() = default;
  std::filesystem::path path_;
};

// Looks through the WAL first, as RocksDB's own errors do not name its files.
[[nodiscard]] Result<std::unique_ptr<LogTables>, ReadError> open_secondary_tables(const DataDirectory& directory,
                                                                                  const ScratchDirectory& scratch,
                                                                                  std::size_t block_cache_bytes);

}  // namespace taskledger::storage
