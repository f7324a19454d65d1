// Whether read models say what the log says: their rows, one by one, and the images that serve.
// Threads: one; an image's readers and writers go on meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "projections/rebuild/folded_log.h"
#include "projections/workspaces.h"
#include "storage/view_store.h"

namespace taskledger::projections {

struct Compared {
  std::uint64_t rows = 0, differences = 0;
  std::vector<std::string> first;  // the first few differences, a line each
  void differ(std::string what);
};

// The rows of a generation with those of what was folded (and sorted).
Result<void, storage::ReadError> compare_rows(const storage::ViewStore& views, const std::string& projection,
                                              std::uint64_t generation, const FoldedLog& folded, Compared& compared);
// The tasks of an image that have not changed since its rows were written, at the position folded to. Nothing may be
// frozen. Holds the workspace's lock for a few tasks at a time.
void compare_image(WorkspaceImage& workspace, const FoldedLog& folded, Compared& compared);

// Without a runner: every projection named, at its checkpoint. ReadError: something cannot be read.
Result<Compared, storage::ReadError> check_generations(const storage::EventLog& log, const storage::ViewStore& views,
                                                       const std::vector<std::string>& names, Team& team,
                                                       const FoldProgress& progress);

}  // namespace taskledger::projections
