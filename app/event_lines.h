// Task events of the log as the event lines of the contract.
#pragma once

#include <string>

#include "core/access.h"
#include "storage/event_log.h"

namespace taskledger::app {

// Whether `record` is a task's event: the system's own records are no part of what a workspace sees.
[[nodiscard]] inline bool is_task_event(const storage::Record& record) { return record.workspace != kSystemWorkspace; }

// Appends the event line of a task event, without a newline.
void append_record_line(std::string& out, const storage::Record& record, const WorkspaceId& workspace);

}  // namespace taskledger::app
