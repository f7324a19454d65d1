// The rows of what changed in images since rows were last written, for each of their read models: of the one state that
// the images were frozen in, though they go on changing while the rows are made, a few tasks at a time.
// Threads: the one who writes rows. Memory: the rows, encoded.
#pragma once

#include "projections/image/image.h"
#include "projections/stats/stats_changes.h"
#include "storage/view_store.h"

namespace taskledger::projections {

class ChangedRows {
 public:
  storage::RowChanges list, mode;
  StatsCounts stats;  // differences

  // Makes the rows of up to `count` frozen tasks, and takes them off the frozen ones; false once none is left. Under
  // the workspace's shared lock.
  bool add_some(Image& image, WorkspaceNumber workspace, std::size_t count);
  void add_summary(WorkspaceNumber workspace, WorkspacePosition position, std::uint32_t tasks);

 private:
  struct State;
  void count(WorkspaceNumber workspace, const State& state, std::uint32_t by);
  void add_task(Image& image, WorkspaceNumber workspace, const Uuid& id, const Baseline& before);

  Task task_;  // for the room that it has
};

}  // namespace taskledger::projections
