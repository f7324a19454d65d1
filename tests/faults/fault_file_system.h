// A file system for tests that fails on purpose: it can lose everything that was not synced (a power cut, torn at a
// random byte), fail or shorten the Nth write or sync, run out of space, and flip a bit of what is read. Seeded: the
// same seed and the same calls fail in the same way. Wraps the real one; a test's database lives in a folder of its
// own. Threads: any (RocksDB calls it from several); one mutex.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace taskledger::faults {

enum class Fault {
  none,
  write_error,  // the write fails, nothing is written
  short_write,  // half of it is written, then it fails
  sync_error,   // the sync fails; what was not synced stays in doubt
  no_space,     // this and every later write fails for want of space, until cleared
  power_cut,    // this and every later operation fails; what was not synced is lost by drop_unsynced()
};

class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultFileSystem(std::uint64_t seed);
  static const char* kClassName() { return "FaultFileSystem"; }
  const char* Name() const override { return kClassName(); }

  // The `nth` write or sync from now on (1: the next) meets `fault`.
  void plan(Fault fault, std::uint64_t nth);
  void clear();                                                           // no more faults; the disk is back
  void flip_reads(double probability);                                    // of each read, of one bit in it
  [[nodiscard]] std::uint64_t operations() const { return operations_; }  // writes and syncs so far
  [[nodiscard]] bool cut() const { return cut_; }                         // the planned power cut has happened
  [[nodiscard]] std::uint64_t flipped() const { return flipped_; }
  // After everything on top was closed (or abandoned): makes the folder what a disk may hold after losing power. Every
  // file keeps what was synced and a random part of the rest: of what was added to it a beginning, of what was written
  // over any sectors; files and renames whose directory was not synced may be undone.
  void drop_unsynced();

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& name, const std::string& old_name,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;

  // Called by the files it made.
  Fault next_operation(bool is_sync);
  void wrote(const std::string& name, std::uint64_t size);
  void writes_over(const std::string& name, std::uint64_t at, std::string before);
  void truncated(const std::string& name, std::uint64_t size);
  void synced(const std::string& name);
  void directory_synced(const std::string& name);
  bool flip(char* data, std::size_t size);

 private:
  struct Overwritten {
    std::uint64_t at;
    std::string before;
  };
  struct FileState {
    std::uint64_t size = 0, synced = 0;
    std::vector<Overwritten> overwritten;  // since the last sync
    bool entry_synced = false;             // its name survives a power cut
  };
  struct Renamed {
    std::string from, to;
    std::optional<std::string> replaced;  // what `to` held before
  };
  static std::string folder_of(const std::string& name);
  void undo_some(const std::string& name, const std::vector<Overwritten>& overwritten);

  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  std::atomic<std::uint64_t> operations_{0}, flipped_{0};
  std::atomic<bool> cut_{false};
  Fault fault_ = Fault::none;
  std::uint64_t at_ = 0;
  bool full_ = false;
  double flip_probability_ = 0;
  std::map<std::string, FileState> files_;
  std::vector<Renamed> renames_;  // whose directory has not been synced since
};

}  // namespace taskledger::faults
