// The files of a log that another process may be writing, as they are at one instant: they are open here, so whatever
// is removed or put in their place meanwhile, who opens the log through env() finds that instant's. RocksDB's secondary
// by itself reads the manifest, opens the tables and reads the WALs one after the other, and takes what went from the
// one to the other in between for nothing. Threads: any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "storage/event_log.h"

namespace rocksdb {
class Env;
}

namespace taskledger::storage {

class HeldFileSystem;

class HeldFiles {
 public:
  // ReadError: no log is there, a file of it cannot be opened, or they change faster than they can be opened.
  [[nodiscard]] static Result<std::unique_ptr<HeldFiles>, ReadError> of(const std::filesystem::path& log);
  ~HeldFiles();
  HeldFiles(const HeldFiles&) = delete;
  HeldFiles& operator=(const HeldFiles&) = delete;

  [[nodiscard]] rocksdb::Env& env() const { return *env_; }
  // Once RocksDB has opened all tables itself, and while nobody uses env().
  void let_go_of_tables();
  // As long as there are no others, all that the writer does is to add to the last of its WALs: which is seen here.
  [[nodiscard]] bool are_those_of_the_writer() const;

 private:
  HeldFiles() = default;
  // What says which files there are.
  struct Set {
    std::string manifest;
    std::uint64_t manifest_file = 0, manifest_bytes = 0;  // its inode, which is no other file's while it is held
    std::vector<std::string> wals;                        // sorted
    friend bool operator==(const Set&, const Set&) = default;
  };
  static Result<Set, ReadError> set_of(const std::filesystem::path& log);
  std::filesystem::path log_;
  Set set_;
  std::shared_ptr<HeldFileSystem> files_;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace taskledger::storage
