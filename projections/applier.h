// Folds one task record into an image.
// Threads: the runner's writer, under the workspace's exclusive lock. Failure: a payload this version cannot read is an
// error that names the position; nothing is skipped silently.
#pragma once

#include "projections/image/image.h"
#include "storage/event_log.h"

namespace taskledger::projections {

// Applying a record twice is applying it once. `log` is asked for the history of a task that is restored.
[[nodiscard]] Result<void, storage::ReadError> apply_record(Image& image, const storage::Record& record,
                                                            const storage::EventLog& log);

// Folds a record into a task's state, the same for all who fold. A record whose payload was erased changes nothing: the
// task's deletion follows it in the log.
[[nodiscard]] Result<void, storage::ReadError> fold_record(Task& task, const storage::Record& record);

}  // namespace taskledger::projections
