// A workspace as it was at an instant, folded from the log: an image of columns without sequences.
// Of each task the events with time <= the instant count; times within a task never run backwards, so that is a prefix
// of its stream. A task whose payloads were erased has no past: its creation cannot be read, and it is left out.
// Threads: any; a fold of some size reads and decodes on the calling thread and applies on one of its own.
// Memory: the image, and a few thousand decoded events.
#pragma once

#include <atomic>
#include <memory>

#include "projections/image/image.h"
#include "storage/event_log.h"

namespace taskledger::projections {

struct PastLog {
  const storage::EventLog& log;
  WorkspaceNumber workspace;
  const std::atomic<bool>* stopped = nullptr;  // true: give up
  [[nodiscard]] bool stopping() const { return stopped != nullptr && stopped->load(std::memory_order_relaxed); }
};

// nullptr when stopped meanwhile. ReadError: damage in the log, or an event this version cannot read.
[[nodiscard]] Result<std::unique_ptr<Image>, storage::ReadError> fold_past(const PastLog& log, Timestamp at);

}  // namespace taskledger::projections
