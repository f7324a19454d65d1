// Folding some rows of an image of the past anew, from the events up to the instant. The rows are there already, not
// live and with version 0 (past_copy.h); those of tasks that were live at the instant become so.
// Threads: any; a walk of some size reads on the calling thread and applies on one of its own.
// Failure: ReadError, damage in the log or an event this version cannot read.
#pragma once

#include <optional>

#include "projections/list/condition_scan.h"
#include "projections/past/past_fold.h"

namespace taskledger::projections {

// By a walk of the log; nothing is folded of tasks created before `since`.
[[nodiscard]] Result<void, storage::ReadError> refold_by_scan(Image& image, const Bits& rows, const PastLog& log,
                                                              std::optional<Timestamp> since, Timestamp at);
// By the task's own stream.
[[nodiscard]] Result<void, storage::ReadError> refold_by_stream(Image& image, Row row, const PastLog& log,
                                                                Timestamp at);

}  // namespace taskledger::projections
