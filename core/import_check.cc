// check_import and as_stored: what an imported event must be on the task it meets, and what is kept of it.
#include "core/decider.h"

namespace taskledger {
namespace {

Invalid refuse(const ImportedEvent& event, std::string_view reason) {
  return {"Field 'type' must not be " + std::string(name_of(event.type)) + " here: " + std::string(reason)};
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
      if (creation) return refuse(event, "the task exists already");
      if (restoration) return refuse(event, "the task is not deleted");
      return {};
    case Lifecycle::deleted:
      if (!restoration) return refuse(event, "the task is deleted");
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
  if (const auto* completed = std::get_if<TaskCompleted>(&event.event)) {
    if (state.is_completed()) return refuse(event, "the task is completed already");
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
  if (event.type == EventType::task_erased) return refuse(event, "an erasure cannot be imported");
  if (Result<void> place = check_place(state, event); !place) return place;
  if (Result<void> lifecycle = check_lifecycle(state, event); !lifecycle) return lifecycle;
  return check_effect(state, event);
}

TaskEvent as_stored(const Task& state, const ImportedEvent& event) {
  if (const auto* updated = std::get_if<TaskUpdated>(&event.event)) {
    return TaskUpdated{changes_of(state.fields, updated->patch)};
  }
  return event.event;
}

}  // namespace taskledger
