// The import itself: reads and checks lines on the calling thread, hands them in batches to a second one that hashes
// and writes them. The log shows nothing of it before finish().
// Throws Failed: "FILE:LINE: reason" for the first bad line, or why the log could not be written.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "app/line_reader.h"
#include "core/access.h"
#include "core/task.h"
#include "core/timestamp.h"
#include "storage/bulk_append.h"

namespace taskledger::app {

struct ImportCounts {
  std::uint64_t events = 0, tasks = 0;
};

struct ImportJob {
  std::string file;  // as named in errors
  WorkspaceId workspace;
  Timestamp now;                                    // later times are refused
  std::function<Task(const TaskId&)> state_in_log;  // of a task met for the first time
  std::function<void(std::uint64_t events)> progress;
  std::function<std::vector<EventId>(const TaskId&)> ids_in_log = {};  // of its events; derived ones may be left out
};

[[nodiscard]] ImportCounts import_lines(LineReader& lines, const ImportJob& job, storage::BulkAppend& to);

}  // namespace taskledger::app
