// Whether a payload is there stands outside the hash chains, so that it can be erased by law. What is inside them is
// that it was: erasures take the payloads of a task, and a TaskErased of its stream follows those records in the log.
// The system's own records are never erased. Whoever folds records says so where it is otherwise.
#pragma once

#include "storage/event_log.h"

namespace taskledger::storage {

// Of a record without a payload that nothing has lawfully erased.
[[nodiscard]] ReadError content_is_gone(Position position);

}  // namespace taskledger::storage
