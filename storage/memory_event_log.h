// An EventLog in memory, for tests of the layers above: the same contract (tests/storage/event_log_contract.h) without
// a disk. Commits are answered on the caller's thread, one after another. Threads: any. `done` and the observer must
// not append (they would wait for themselves).
#pragma once

#include <memory>

#include "core/clock.h"
#include "storage/event_log.h"

namespace taskledger::storage {

[[nodiscard]] std::unique_ptr<EventLog> make_memory_event_log(Clock clock);

}  // namespace taskledger::storage
