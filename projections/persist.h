// The rows of what changed in an image since they were last written, for each of its read models.
// Threads: the runner's, while nothing changes the image. Memory: the rows, encoded.
#pragma once

#include <vector>

#include "projections/image/image.h"
#include "storage/view_store.h"

namespace taskledger::projections {

struct ChangedRows {
  std::vector<storage::RowChange> list, mode, stats;
};

// Appends the rows that make the store say what the image says, and forgets the changes.
void take_changed_rows(Image& image, WorkspaceNumber workspace, WorkspacePosition position, ChangedRows& rows);

}  // namespace taskledger::projections
