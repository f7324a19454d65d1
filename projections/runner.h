// The projection runner: takes the log's records in order, in batches, and advances all serving read models together;
// persists their rows and checkpoint in one atomic write now and then; catches up on start; discards a generation whose
// checkpoint the log does not confirm.
// Threads: any, but start() and stop() once, from the owner. Callbacks of when_passed run on the thread that advanced
// the models (or at once on the caller's) and must not block.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "projections/directory.h"
#include "projections/read_models.h"
#include "storage/event_log.h"
#include "storage/view_store.h"

namespace taskledger::projections {

struct RunnerOptions {
  std::size_t cache_bytes = std::size_t{512}
                            << 20;  // images of workspaces kept in memory; the least recently used go first
  std::size_t page_cache_bytes = std::size_t{32} << 20;  // pages of lists kept for who asks the same again; 0: none
  std::size_t queue_bytes = std::size_t{64}
                            << 20;  // records waiting for the projector; more hold up the log's appender
  std::chrono::milliseconds persist_interval{5'000};  // between writes of changed rows
  std::size_t persist_tasks = 50'000;                 // changed tasks that are written without waiting for it
  std::chrono::milliseconds self_check_interval{0};   // between checks that nobody asked for; 0: none
  unsigned rebuild_threads = 0;                       // 0: one a core
};

// What the last check of a projection found.
struct CheckStatus {
  enum class State { none, waiting, running, ok, different, failed } state = State::none;
  Position position;  // the state that was compared
  std::uint64_t rows = 0, differences = 0;
  std::vector<std::string> first;  // the first few differences, a line each
  std::string failure;             // why it could not be done
};

struct ProjectionStatus {
  std::string name;       // list, mode, stats, notifications
  std::string state;      // live, catching_up, rebuilding
  Position checkpoint;    // of the rows on disk
  std::uint64_t lag = 0;  // log head minus what reads reflect
  std::uint64_t generation = 0;
  double events_per_second = 0;  // of the current catch-up or rebuild; 0 when live
  double progress = 1;           // 0 to 1
  std::string failure;           // of the last rebuild; empty: it went well, or there was none
  CheckStatus check;
};

// Counted since the start, for metrics.
struct MaintenanceFigures {
  std::uint64_t rebuilds = 0, failed_rebuilds = 0, checks = 0, failed_checks = 0, rows_checked = 0, differences = 0;
};

struct ImageFigures {
  std::uint64_t workspaces = 0;  // whose image is in memory
  std::uint64_t bytes = 0;       // of them, as last measured
};

class Runner : public ReadModels {
 public:
  // Attaches itself as the log's observer. All must outlive it.
  static std::unique_ptr<Runner> create(storage::EventLog& log, storage::ViewStore& views, RunnerOptions options);

  // Loads checkpoints and catches up with the log's head; returns when reads reflect it.
  virtual Result<void, storage::ReadError> start() = 0;
  // Persists all rows and the checkpoint. Waiters are let go.
  virtual void stop() = 0;
  // Persists what has changed, now.
  virtual Result<void, storage::ReadError> persist() = 0;
  // Why reads no longer follow the log (an event that cannot be read, a damaged view file); nullopt while all is well.
  // Waiters are let go then: look here before telling a caller that a write is visible.
  [[nodiscard]] virtual std::optional<std::string> failure() const = 0;

  [[nodiscard]] virtual Position passed() const = 0;
  // Calls `done` once every later read reflects the log up to `position` (included).
  virtual void when_passed(Position position, std::function<void()> done) = 0;
  // The same for a workspace position; `done` as in when_passed(). Returns an id for cancel_wait().
  virtual std::uint64_t when_workspace_passed(WorkspaceNumber workspace, WorkspacePosition position,
                                              std::function<void()> done) = 0;
  virtual void cancel_wait(std::uint64_t id) = 0;

  // Builds the projection anew from the log beside the serving one, which it replaces once it has caught up; or
  // compares it with the log, row by row, and changes nothing. Both return at once and are done one after the other, as
  // status() tells; asked for again while waiting, they are done once. False: there is no such projection.
  virtual bool request_rebuild(std::string_view projection) = 0;
  virtual bool request_check(std::string_view projection) = 0;
  // What a check found to differ from the log and no later check or rebuild has found right; nullopt: nothing.
  [[nodiscard]] virtual std::optional<std::string> divergence() const = 0;
  [[nodiscard]] virtual MaintenanceFigures maintenance_figures() const = 0;

  [[nodiscard]] virtual const Directory& directory() const = 0;
  [[nodiscard]] virtual std::vector<ProjectionStatus> status() const = 0;
  [[nodiscard]] virtual ImageFigures images() const { return {}; }
  [[nodiscard]] virtual PageCacheFigures kept_pages() const { return {}; }
  // Ends a rebuild or check that is under way, and lets go who waits for one; stop() does the same first.
  virtual void end_maintenance() {}
  // Rows could not be written the last time: they are tried again now and then, and what waits for them waits.
  [[nodiscard]] virtual bool rows_unwritten() const { return false; }
};

}  // namespace taskledger::projections
