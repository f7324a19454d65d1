// The one writer of the log: takes the commits that wait, gives those that fit their versions a place, writes them as
// one batch with one sync, publishes the heads, tells the observer, and answers. More commits queue up while it syncs:
// that is the next group.
// Failure: the first failed write stops all writing for good (until the log is opened again): nobody can know what of it
// reached the disk, so nothing is acknowledged after it.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "storage/chain_writer.h"
#include "storage/commit_queue.h"
#include "storage/erasure.h"
#include "storage/idempotency_sweep.h"
#include "storage/published_heads.h"
#include "storage/stream_versions.h"

namespace taskledger::storage {

struct AppenderOptions {
  Clock clock;
  RandomBytes random;
  bool sync = true;
  std::size_t max_queued_commits = 4096;
  std::size_t max_queued_bytes = std::size_t{64} << 20;
  std::size_t max_group_records = 4096;
  std::size_t max_group_bytes = std::size_t{8} << 20;
  std::size_t cached_streams = 200'000;
};

class Appender {
 public:
  Appender(const LogTables& tables, PublishedHeads& heads, Eraser& eraser, AppenderOptions options);
  ~Appender();  // close()
  void observe(EventLog::Observer observer);
  void append(Commit commit, EventLog::OnAppended done);
  // Answers everything that is queued, then stops.
  void close();
  [[nodiscard]] std::optional<std::string> failure() const;
  void fail(const std::string& why);

  // For a bulk append: waits until the queue is empty and keeps it so. False: paused already, closed or failed.
  bool pause();
  // Starts again from the published heads.
  void resume();

 private:
  using Answer = EventLog::Appending;
  void run();
  std::size_t write_group(std::vector<PendingCommit>& taken, std::size_t begin);
  Answer place(const Commit& commit);
  Answer place_records(const Commit& commit);
  void answer(std::vector<PendingCommit>& taken, std::size_t begin, std::size_t end);

  const LogTables& tables_;
  PublishedHeads& heads_;
  Eraser& eraser_;
  const AppenderOptions options_;
  CommitQueue queue_;
  std::vector<EventLog::Observer> observers_;

  // The appender thread's (and a bulk append's while it is paused).
  std::optional<ChainWriter> chain_;
  StreamVersions versions_;
  IdempotencySweep sweep_;
  rocksdb::WriteBatch batch_;
  BatchSink rows_{batch_};
  std::vector<Record> records_;
  std::vector<Answer> answers_;
  std::vector<Version> next_versions_;
  std::vector<ErasedRange> erased_;

  mutable std::mutex failure_mutex_;
  std::optional<std::string> failure_;
  std::atomic<bool> failed_ = false;
  std::thread thread_;
};

}  // namespace taskledger::storage
