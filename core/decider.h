// The domain, as a decider: decide(state, command) gives events or a reason against, evolve(state, event) gives the
// next state. Pure functions over values; deciding what already holds yields no events; folding any accepted history
// works.
#pragma once

#include <vector>

#include "core/command.h"
#include "core/event.h"
#include "core/result.h"
#include "core/task.h"

namespace taskledger {

enum class Refusal {
  not_found,        // no such task, or deleted: 404 "Task not found"
  already_exists,   // a creation of a task that is there
  not_deleted,      // restore or erase of a task that is not deleted: 409
  erased,           // restore or undo of an erased task: 409
  event_not_found,  // undo names an event that this task does not have: 404
  superseded,       // undo of an event whose fields a later one touched: 409
  nothing_to_undo,  // undo of an event that cannot be taken back any more (already so): 409
};

// An event with what its place in the log adds to it.
struct RecordedEvent {
  Version version;
  Timestamp time;
  UserId actor;
  EventId id;
  TaskEvent event;
};

// What of `patch` differs from `fields`; links are compared as sets.
[[nodiscard]] TaskPatch changes_of(const TaskFields& fields, const TaskPatch& patch);

// For every command but UndoEvent, which needs the history (std::logic_error).
[[nodiscard]] Result<std::vector<TaskEvent>, Refusal> decide(const Task& state, const TaskCommand& command);
// `history`: all events of the task, oldest first, none erased. Undoing an update sets the fields it changed back to
// what they were before it; of a completion reopens; of a reopening completes again with the earlier completed_at and
// completed_by in `data`; of a creation deletes; of a deletion restores; of a restoration deletes. An undo is an event
// like others, so an undo of it redoes. `superseded` when a later event touched the same fields (completion and
// reopening touch completion; creation, deletion and restoration touch existence, a creation the fields that it gave
// too). While a task is deleted, its deletion is the only event that can be undone: any other is `superseded` by it.
[[nodiscard]] Result<std::vector<TaskEvent>, Refusal> decide_undo(const Task& state,
                                                                  const std::vector<RecordedEvent>& history,
                                                                  const UndoEvent& command);

// Folds one event into `state`; sets version, updated_at and the rest. Works for any event on any state (an event that
// makes no sense there changes nothing but version and updated_at); never throws.
void evolve(Task& state, const TaskId& id, Version version, Timestamp time, const UserId& actor,
            const TaskEvent& event);

// Checks an imported event against the state it meets: version, order of times, that it changes something, that it is
// allowed at all. The reason is a text for people.
[[nodiscard]] Result<void> check_import(const Task& state, const ImportedEvent& event);
// The event to store for an imported one that check_import accepts: of an update only the fields that change, so that
// exports are canonical. `state` is the one it meets.
[[nodiscard]] TaskEvent as_stored(const Task& state, const ImportedEvent& event);

}  // namespace taskledger
