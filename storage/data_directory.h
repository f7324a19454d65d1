// One data directory, opened: for one process alone, or to read beside it.
//
//   DIR/format      "taskledger data format 1\n"; a newer number is refused
//   DIR/lock        held with flock(2) by the process that writes here; its text is that process's id
//   DIR/secret.key  32 random bytes, mode 0600, made when a server first starts (or elsewhere, see key_file)
//   DIR/head        the head mark (head_mark.h)
//   DIR/erasures    what was erased by law (erasure_list.h)
//   DIR/log/        the log's RocksDB
//   DIR/views/      the read models' RocksDB; may be deleted at any time while nobody has the directory open
//
// Threads: any, after opening. Failure: a ReadError with one clear line for the operator.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "storage/event_log.h"

namespace taskledger::storage {

inline constexpr unsigned kDataFormat = 1;

// Whether this program reads what the text of a file `format` says. `of`: whose it is, for the error.
[[nodiscard]] Result<void, ReadError> check_format(std::string_view text, const std::filesystem::path& file,
                                                   const std::string& of);
// nullopt: there is no such file. One that holds only zeros is refused.
using SecretKey = std::array<std::uint8_t, 32>;
[[nodiscard]] Result<std::optional<SecretKey>, ReadError> read_secret_key(const std::filesystem::path& file);

class DataDirectory {
 public:
  enum class Access {
    exclusive,  // made if it is not there; one process at a time
    reader,     // must be there; changes nothing
  };
  struct Options {
    Access access = Access::exclusive;
    std::filesystem::path key_file;  // empty: DIR/secret.key
    RandomBytes random;              // for a new key; empty: none is made, as by readers
    bool restoring = false;          // by the restore that is under way there: without its key
    bool existing = false;           // exclusive, but no directory is made
  };
  static Result<std::unique_ptr<DataDirectory>, ReadError> open(const std::filesystem::path& directory,
                                                                const Options& options);
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  [[nodiscard]] Access access() const { return access_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path log() const { return path_ / "log"; }
  [[nodiscard]] std::filesystem::path views() const { return path_ / "views"; }
  [[nodiscard]] std::filesystem::path head_mark() const { return path_ / "head"; }
  // Whether what is written by path is written here, as far as can be told: nobody has moved or removed the directory
  // since it was opened, nor the lock. Only where exclusive.
  [[nodiscard]] bool is_in_place() const;
  // All zero where there is none and none was made, and for a reader that may not read the one in DIR.
  [[nodiscard]] const SecretKey& secret_key() const { return secret_key_; }
  // Of a directory that held no data before it was opened: takes away what was made here since, the log with it, which
  // is closed by then. Nothing that was there before, so in any other directory nothing.
  void discard();

 private:
  DataDirectory() = default;
  Result<void, ReadError> lock();
  Result<void, ReadError> check_or_write_format();
  Result<void, ReadError> load_key(const Options& options);
  std::filesystem::path path_;
  Access access_ = Access::exclusive;
  std::vector<std::filesystem::path> made_;  // directories
  bool made_lock_ = false, is_new_ = false;
  int lock_file_ = -1;
  SecretKey secret_key_{};
};

}  // namespace taskledger::storage
