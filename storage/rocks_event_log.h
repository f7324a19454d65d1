// The EventLog on RocksDB, under DIR/log of a data directory.
//
// Opening recovers: a torn tail of the WAL is dropped (it was never acknowledged), leftovers of an unfinished bulk
// append are removed, an interrupted erasure is purged. It refuses, with one line that names the file or position, and
// before anything is changed: damage in the middle of the WAL, a log that ends before the head mark, differs from it
// there or lacks the record at its head (head_check.h). Threads: as EventLog.
// The data directory must outlive it. The destructor answers what is queued and closes.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "core/clock.h"
#include "core/request_load.h"
#include "storage/backup.h"
#include "storage/bulk_append.h"
#include "storage/data_directory.h"
#include "storage/event_log.h"
#include "storage/figures.h"
#include "storage/log_reader.h"
#include "storage/reactor_store.h"

namespace rocksdb {
class Env;
}

namespace taskledger::storage {

enum class Durability {
  fsync,  // acknowledged is on disk
  os,     // acknowledged is in the operating system's memory: a power loss may take the last second or so
};

struct LogOptions {
  Clock clock;
  RandomBytes random;
  Durability durability = Durability::fsync;
  std::size_t max_queued_commits = 4096;
  std::size_t max_queued_bytes = std::size_t{64} << 20;
  std::size_t max_group_records = 4096;
  std::size_t max_group_bytes = std::size_t{8} << 20;
  // Between the beginnings of groups while `load` says that requests that do not write keep its threads busy; 0, or no
  // `load`: none.
  std::chrono::microseconds group_interval{2'000};
  std::shared_ptr<RequestLoad> load;
  std::size_t cached_streams = 190'000;  // versions kept in memory, 33 bytes each
  std::size_t block_cache_bytes = std::size_t{32} << 20;
  std::size_t write_buffer_bytes = std::size_t{32} << 20;
  // At most so many zeros are written ahead of the WAL (wal_writer.h), where it is synced; 0: none.
  std::size_t wal_fill_bytes = std::size_t{1} << 20;
  std::chrono::milliseconds merge_interval = std::chrono::seconds(20);  // of looking for small tables to merge
  rocksdb::Env* env = nullptr;  // null: the default; all files of the log but the head mark go through it
};

class RocksEventLog : public EventLog {
 public:
  [[nodiscard]] virtual LogFigures figures() const = 0;
  // While writes go on; blocks until it is complete (backup.h).
  [[nodiscard]] virtual Result<BackedUp, ReadError> back_up(const std::filesystem::path& to,
                                                            const std::atomic<bool>* give_up = nullptr) = 0;
  [[nodiscard]] virtual AppendFigures append_figures() const = 0;
  // The one table of the reactors, beside the log; the log must outlive it.
  [[nodiscard]] virtual std::unique_ptr<ReactorStore> reactor_store() = 0;
};

[[nodiscard]] Result<std::unique_ptr<RocksEventLog>, ReadError> open_event_log(DataDirectory& directory,
                                                                               LogOptions options);

}  // namespace taskledger::storage
