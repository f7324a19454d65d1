// The one writer of the log: takes the commits that wait, gives those that fit their versions a place, writes them as
// one batch with one sync, publishes the heads, tells the observer, and answers. More commits queue up while it syncs:
// that is the next group (GroupPace says when it begins).
// Failure: the first failed write stops all writing for good (until the log is opened again): nobody can know what of
// it reached the disk, so nothing is acknowledged after it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/now_and_then.h"
#include "storage/chain_writer.h"
#include "storage/commit_queue.h"
#include "storage/erasure.h"
#include "storage/figures.h"
#include "storage/group_pace.h"
#include "storage/idempotency_sweep.h"
#include "storage/published_heads.h"
#include "storage/stream_versions.h"
#include "storage/tally.h"

namespace taskledger::storage {

struct AppenderOptions {
  Clock clock;
  RandomBytes random;
  bool sync = true;
  std::size_t max_queued_commits = 4096;
  std::size_t max_queued_bytes = std::size_t{64} << 20;
  std::size_t max_group_records = 4096;
  std::size_t max_group_bytes = std::size_t{8} << 20;
  std::size_t cached_streams = 190'000;
  std::chrono::microseconds group_interval{0};  // see GroupPace
  std::shared_ptr<RequestLoad> load;
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
  // A workspace that cannot be written, since the log is damaged where its next record needs it, until it can.
  [[nodiscard]] std::optional<std::string> trouble() const;
  [[nodiscard]] AppendFigures figures() const;
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
  Answer refuse(const Commit& commit, const ReadError& damage);
  bool prepare(WorkspaceNumber workspace);
  Answer place_records(const Commit& commit);
  void answer(std::vector<PendingCommit>& taken, std::size_t begin, std::size_t end);

  const LogTables& tables_;
  PublishedHeads& heads_;
  Eraser& eraser_;
  const AppenderOptions options_;
  CommitQueue queue_;
  std::vector<EventLog::Observer> observers_;

  // The appender thread's (and a bulk append's while it is paused).
  GroupPace pace_;
  std::optional<ChainWriter> chain_;
  StreamVersions versions_;
  IdempotencySweep sweep_;
  rocksdb::WriteBatch batch_;
  BatchSink rows_{batch_};
  std::vector<Record> records_;
  std::vector<Answer> answers_;
  std::vector<Version> next_versions_;
  std::vector<ErasedRange> erased_;
  std::vector<Erasure> erasures_;

  // Told of by figures(); filled by the appender thread.
  using GroupSizes = Tally<13>;
  static constexpr std::array<double, 13> kGroupSizes{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
  static constexpr std::array<double, 14> kSeconds{0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005,
                                                   0.01,    0.02,   0.05,   0.1,    0.5,   1,     5};
  GroupSizes group_commits_{kGroupSizes}, group_records_{kGroupSizes};
  Tally<14> write_seconds_{kSeconds};
  std::atomic<std::uint64_t> turned_away_ = 0;

  NowAndThen told_;

  mutable std::mutex failure_mutex_;
  std::optional<std::string> failure_;
  std::map<WorkspaceNumber, std::string> unwritable_;  // changed by the appender thread alone
  std::atomic<bool> failed_ = false;
  std::thread thread_;
};

}  // namespace taskledger::storage
