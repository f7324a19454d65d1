// A task's stream, read back from the log: its state, its state at some point, its history with each event decoded.
// ReadError also for a payload that does not decode (its position is named): never a state that skips an event.
// Threads: any; reads block on the disk.
#pragma once

#include <functional>
#include <vector>

#include "core/decider.h"
#include "core/ids.h"
#include "core/task.h"
#include "storage/event_log.h"

namespace taskledger::commands {

// The event of a record. Of an erased one only its type is left: its fields are empty.
[[nodiscard]] Result<TaskEvent, storage::ReadError> event_of(const storage::Record& record);
// Whichever id the record has: its own or the derived one.
[[nodiscard]] EventId event_id_of(const storage::Record& record, const WorkspaceId& workspace);

// Reads on from where `state`, of the task that it names, ends; for as long as `more` says so (asked before each).
[[nodiscard]] Result<void, storage::ReadError> extend_task(
    const storage::EventLog& log, WorkspaceNumber workspace, Task& state,
    const std::function<bool(const storage::Record&)>& more = {});
// Folds the stream's records, likewise. `absent` for an empty one.
[[nodiscard]] Result<Task, storage::ReadError> fold_task(const storage::EventLog& log, WorkspaceNumber workspace,
                                                         const TaskId& id,
                                                         const std::function<bool(const storage::Record&)>& more = {});

struct TaskHistory {
  Task state;
  std::vector<RecordedEvent> events;  // oldest first
};
// The same with the events.
[[nodiscard]] Result<void, storage::ReadError> extend_history(
    const storage::EventLog& log, WorkspaceNumber workspace, const WorkspaceId& workspace_id, TaskHistory& history,
    const std::function<bool(const storage::Record&)>& more = {});

}  // namespace taskledger::commands
