// check_import and as_stored, declared in core/decider.h: what an imported event must be on the task it meets, and what
// is kept of it.
//
// An erased history is imported as it is exported: from the creation on without `data`, to the TaskErased that ends it.
// Folded, such a task has no title, which no other has: so the state tells which of the two kinds of line may follow.
#include "core/decider.h"

namespace taskledger {
namespace {

Invalid refuse(const ImportedEvent& event, std::string_view reason) {
  return {"Field 'type' must not be " + std::string(name_of(event.type)) + " here: " + std::string(reason)};
}

// Whether the payload is gone.
bool has_no_data(const ImportedEvent& event) {
  return std::holds_alternative<TaskErased>(event.event) && event.type != EventType::task_erased;
}

// Of the task that `state` is, whether its payloads so far were gone.
bool is_without_data(const Task& state) {
  return (state.lifecycle == Lifecycle::live || state.lifecycle == Lifecycle::deleted) && state.fields.title.empty();
}

Result<void> check_data(const Task& state, const ImportedEvent& event) {
  if (has_no_data(event)) {
    const bool first = state.lifecycle == Lifecycle::absent && event.type == EventType::task_created;
    if (!first && !is_without_data(state)) return Invalid{"Field 'data' is required"};
    return {};
  }
  if (event.type == EventType::task_erased) {
    if (!is_without_data(state)) return refuse(event, "the task's events have not lost their data");
    return {};
  }
  if (is_without_data(state)) return Invalid{"Field 'data' must be absent: the task's events before have lost theirs"};
  return {};
}

Result<void> check_place(const Task& state, const ImportedEvent& event) {
  const Version next = state.version.next();
  if (event.version && *event.version != next) {
    return Invalid{"Field 'version' must be " + std::to_string(next.value) + ", the task's next"};
  }
  if (state.version.value > 0 && event.time < state.updated_at) {
    return Invalid{"Field 'time' must not be before the task's last event, " + to_rfc3339(state.updated_at)};
  }
  return {};
}

Result<void> check_lifecycle(const Task& state, const ImportedEvent& event) {
  const bool creation = event.type == EventType::task_created;
  const bool restoration = event.type == EventType::task_restored;
  switch (state.lifecycle) {
    case Lifecycle::absent:
      if (!creation) return refuse(event, "the task does not exist yet");
      return {};
    case Lifecycle::live:
      if (event.type == EventType::task_erased) return refuse(event, "the task is not deleted");
      if (creation) return refuse(event, "the task exists already");
      if (restoration) return refuse(event, "the task is not deleted");
      return {};
    case Lifecycle::deleted:
      if (!restoration && event.type != EventType::task_erased) return refuse(event, "the task is deleted");
      return {};
    case Lifecycle::erased:
      return refuse(event, "the task is erased");
  }
  return {};
}

Result<void> check_effect(const Task& state, const ImportedEvent& event) {
  if (const auto* updated = std::get_if<TaskUpdated>(&event.event)) {
    if (changes_of(state.fields, updated->patch).empty()) return Invalid{"Field 'data' would change nothing"};
  }
  if (event.type == EventType::task_completed && state.is_completed())
    return refuse(event, "the task is completed already");
  if (const auto* completed = std::get_if<TaskCompleted>(&event.event)) {
    if (completed->completed_at && *completed->completed_at > event.time) {
      return Invalid{"Field 'data.completed_at' must not be after the event's time"};
    }
  }
  if (event.type == EventType::task_reopened && !state.is_completed())
    return refuse(event, "the task is not completed");
  return {};
}

}  // namespace

Result<void> check_import(const Task& state, const ImportedEvent& event) {
  if (Result<void> place = check_place(state, event); !place) return place;
  if (Result<void> lifecycle = check_lifecycle(state, event); !lifecycle) return lifecycle;
  if (Result<void> data = check_data(state, event); !data) return data;
  return check_effect(state, event);
}

TaskEvent as_stored(const Task& state, const ImportedEvent& event) {
  if (const auto* updated = std::get_if<TaskUpdated>(&event.event)) {
    return TaskUpdated{changes_of(state.fields, updated->patch)};
  }
  return event.event;
}

}  // namespace taskledger
