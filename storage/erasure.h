// Lawful erasure: payloads are replaced by their digests in the batch of the erasing commit; then their bytes are
// purged from the files (memtables flushed, WAL retired, the tables that held them rewritten) before the commit is
// answered. A range that was not purged yet stands in `heads`, so that a crash between the two is made good at the next
// opening. What it cannot reach: blocks that the file system has freed but not overwritten, and copies made before.
// Threads: the purging has its own, so that other commits go on; replace_payloads is the appender's.
#pragma once

#include <rocksdb/write_batch.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/erasure_list.h"
#include "storage/log_tables.h"

namespace taskledger::storage {

struct ErasedRange {
  Position first, last;
};

// Adds to `batch` the replaced records of the stream up to `head`, and to `erased` where they are.
Result<void, ReadError> replace_payloads(const LogTables& tables, WorkspaceNumber workspace, const Uuid& stream,
                                         Position head, rocksdb::WriteBatch& batch, std::vector<ErasedRange>& erased);
// The ranges that still await their purge.
[[nodiscard]] Result<std::vector<ErasedRange>, ReadError> pending_erasures(const LogTables& tables);
// The tasks erased in the ranges, with who erased them.
[[nodiscard]] Result<std::vector<Erasure>, ReadError> erasures_in(const LogTables& tables,
                                                                  const std::vector<ErasedRange>& ranges);
// All erasures that the log tells of: quick, as blocks of the feed without any are passed over.
[[nodiscard]] Result<std::vector<Erasure>, ReadError> erasures_of(const LogTables& tables);
// Purges the files and removes the ranges' rows from `heads`. A backup under way is waited for; `give_up`: no longer.
Result<void, ReadError> purge(const LogTables& tables, const std::vector<ErasedRange>& ranges,
                              const std::atomic<bool>& give_up = false);

class Eraser {
 public:
  using Done = std::function<void(const Result<void, ReadError>&)>;
  // `list`: where erasures are listed (erasure_list.h) before they are answered.
  Eraser(const LogTables& tables, std::filesystem::path list);
  ~Eraser();  // finishes what was asked
  // `done` runs on the thread that purges, after those of all purges asked for before: one without ranges waits for
  // them. After one that failed all fail. How many wait is bounded by who counts them until then (commit_queue.h).
  void purge_later(std::vector<ErasedRange> ranges, std::vector<Erasure> erasures, Done done);
  // While it is held no erasure is answered: what is not listed yet can be listed before.
  [[nodiscard]] std::unique_lock<std::mutex> hold_answers() { return std::unique_lock(answering_); }

 private:
  struct Job {
    std::vector<ErasedRange> ranges;
    std::vector<Erasure> erasures;
    Done done;
  };
  void run();
  Result<void, ReadError> list(const std::vector<Erasure>& erasures);
  const LogTables& tables_;
  ErasureList list_;  // the thread's
  std::mutex mutex_, answering_;
  std::condition_variable wake_;
  std::vector<Job> jobs_;
  std::atomic<bool> closing_ = false;
  std::thread thread_;
};

}  // namespace taskledger::storage
