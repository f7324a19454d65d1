// One request decided against known states: the records it appends, the states after it, its outcome; or why not.
// Pure. Records of a batch see the ones before them.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "commands/command_handler.h"
#include "core/task.h"
#include "storage/event_log.h"

namespace taskledger::commands {

struct Decision {
  struct Touched {
    Task after;
    Version before;  // what the log must hold of it
    [[nodiscard]] bool changed() const { return after.version != before; }
  };
  std::vector<Touched> tasks;               // each once, looked at or changed
  std::vector<storage::NewRecord> records;  // in order
  std::vector<Uuid> erase;
  std::vector<TaskOutcome> outcomes;  // one a record of the request
  std::optional<Failure> failure;     // then nothing is to be appended
};

// The state before the request; one with `absent` for a task that never was.
using KnownState = std::function<const Task&(const TaskId&)>;

// What decide_undo says.
using UndoDecision = Result<std::vector<TaskEvent>, Refusal>;

// `undo` is given when the request is one. `now` stands in for the times that the log stamps later; a state from which
// a task is restored must have those of the log, since it travels with the record.
[[nodiscard]] Decision decide_request(const CommandHandler::Request& request, const KnownState& known,
                                      const UndoDecision* undo, Timestamp now);

}  // namespace taskledger::commands
