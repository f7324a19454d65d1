// Folds one task record into an image.
// Threads: the runner's writer, under the workspace's exclusive lock. Failure: a payload this version cannot read is an
// error that names the position; nothing is skipped silently.
#pragma once

#include "core/event.h"
#include "projections/image/image.h"
#include "storage/event_log.h"

namespace taskledger::projections {

// The event of a task record: the one that came along with it, or what is read into `room`. nullptr for one that was
// erased, which changes nothing: the task's deletion follows it in the log.
[[nodiscard]] Result<const TaskEvent*, storage::ReadError> read_event(const storage::Record& record, TaskEvent& room);

// `event` is the record's, as read. Applying a record twice is applying it once. `log` is asked for the history of a
// task that is restored, unless it came with the record (then it takes no longer than others).
[[nodiscard]] Result<void, storage::ReadError> apply_record(Image& image, const storage::Record& record,
                                                            const TaskEvent* event, const storage::EventLog& log);

// Reads a record's event and folds it into a task's state.
[[nodiscard]] Result<void, storage::ReadError> fold_record(Task& task, const storage::Record& record);

}  // namespace taskledger::projections
