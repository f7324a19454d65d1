// Lists and stats as they were at an instant T: "of each task the events with time <= T count, and now is T".
//
//   T at or after the workspace's last event   the serving read models, asked with now = T
//   T before it                                an image of the workspace at T (past_image.h), kept for the pages
//                                              and questions that follow
//
// An answer for T never changes later, imports and erasures apart: where an event with a time <= T could still be on
// its way to the disk, the answer waits for it (a millisecond to go by, an empty commit behind it in the log's queue).
// Images are built one at a time, each once however many ask for it; the least recently used go when all take more than
// `cache_bytes` (the one used last stays, whatever its size). An erasure drops its workspace's images before it is
// answered, and so does an import.
//
// Threads: any, but workers rather than io threads: the first answer takes as long as a fold, later ones some
// milliseconds. Failure: ReadError, damage in the log.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "core/clock.h"
#include "core/query.h"
#include "projections/image/image.h"
#include "projections/past/past_image.h"
#include "projections/read_models.h"
#include "storage/event_log.h"

namespace taskledger::projections {

struct PastOptions {
  std::size_t cache_bytes = std::size_t{512} << 20;
  PastWay way;
};

class PastReads {
 public:
  // Attaches itself as an observer of the log: make it before the first append. All outlive it, or its stop().
  PastReads(storage::EventLog& log, ReadModels& live, Clock clock, PastOptions options = {});
  ~PastReads();

  // The instant is the query's `now`, and has come.
  [[nodiscard]] Result<ListPage, storage::ReadError> list(WorkspaceNumber workspace, const ListQuery& query);
  [[nodiscard]] Result<StatsAnswer, storage::ReadError> stats(WorkspaceNumber workspace, const StatsQuery& query);

  // Whether an event with a time <= at could still come; settle() returns when none can.
  [[nodiscard]] bool settled(WorkspaceNumber workspace, Timestamp at) const {
    return log_.workspace_head(workspace).time > at;  // whatever comes is stamped no earlier than what is there
  }
  void settle(WorkspaceNumber workspace, Timestamp at);

  // Interrupts the folds under way; they and later calls fail.
  void stop();

  [[nodiscard]] std::size_t bytes() const;  // of the images kept, and of their places
  [[nodiscard]] std::uint64_t images_built() const { return built_; }

 private:
  using Instant = std::pair<WorkspaceNumber, Timestamp>;
  struct Kept;
  struct Cache;
  using Found = Result<std::shared_ptr<const Image>, storage::ReadError>;

  [[nodiscard]] Found image_at(WorkspaceNumber workspace, Timestamp at);
  [[nodiscard]] Found build(WorkspaceNumber workspace, Timestamp at);
  template <class Answer, class FromLive, class FromImage>
  Result<Answer, storage::ReadError> answer(WorkspaceNumber workspace, Timestamp at, const FromLive& from_live,
                                            const FromImage& from_image);

  storage::EventLog& log_;
  ReadModels& live_;
  const Clock clock_;
  const PastOptions options_;
  std::shared_ptr<Cache> cache_;  // shared with the log, which keeps its observers for good
  std::mutex building_;           // images are built one at a time
  std::atomic<std::uint64_t> built_{0};
};

}  // namespace taskledger::projections
