// The live tasks of a workspace that were there at an instant, copied from the serving image, a few thousand rows at a
// time: nobody waits for more than that, and writes go on between. What is copied of a task that no later event changed
// is what it was then; the others are marked.
// Threads: any.
#pragma once

#include <memory>
#include <optional>

#include "projections/list/condition_scan.h"
#include "projections/past/past_fold.h"
#include "projections/read_models.h"

namespace taskledger::projections {

// How many rows of the serving image would be copied, and how many of those marked.
struct RowsThen {
  std::size_t created = 0, changed_since = 0;
  Timestamp oldest_changed{kNoTime};  // the earliest creation among the latter
};
[[nodiscard]] Result<RowsThen, storage::ReadError> count_rows_then(ReadModels& live, WorkspaceNumber workspace,
                                                                   Timestamp at);

struct PastCopy {
  std::unique_ptr<Image> image;       // columns without sequences
  Bits changed_since;                 // rows of which only the ids are known: they are not live, and have version 0
  Timestamp oldest_changed{kNoTime};  // the earliest creation among those that were copied
};
// `settled`: a position that reads have passed or are about to pass, with every event up to the instant before it.
// nullopt: another image took the place of the serving one meanwhile, or that does not get there, or `log` is stopping.
[[nodiscard]] Result<std::optional<PastCopy>, storage::ReadError> copy_rows_then(ReadModels& live, const PastLog& log,
                                                                                 Timestamp at,
                                                                                 WorkspacePosition settled,
                                                                                 const RowsThen& expected,
                                                                                 Row rows_at_once);
// Marks a task that the copy may lack, giving it a row. nullopt: it is marked already.
std::optional<Row> add_changed(PastCopy& copy, const Uuid& task);

}  // namespace taskledger::projections
