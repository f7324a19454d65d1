#include "core/decider.h"

#include <stdexcept>
#include <type_traits>
#include <utility>

namespace taskledger {
namespace {

using Events = std::vector<TaskEvent>;
using Decision = Result<Events, Refusal>;

Decision one(TaskEvent event) {
  Events events;
  events.push_back(std::move(event));
  return events;
}

Decision decide_on(const Task& state, const CreateTask& command) {
  if (state.lifecycle != Lifecycle::absent) return Refusal::already_exists;
  return one(TaskCreated{command.fields});
}

Decision decide_on(const Task& state, const UpdateTask& command) {
  if (state.lifecycle != Lifecycle::live) return Refusal::not_found;
  TaskPatch changes = changes_of(state.fields, command.patch);
  if (changes.empty()) return Events{};
  return one(TaskUpdated{std::move(changes)});
}

Decision decide_on(const Task& state, const CompleteTask& command) {
  if (state.lifecycle != Lifecycle::live) return Refusal::not_found;
  if (state.is_completed() == command.completed) return Events{};
  return one(command.completed ? TaskEvent{TaskCompleted{}} : TaskEvent{TaskReopened{}});
}

Decision decide_on(const Task& state, const DeleteTask&) {
  if (state.lifecycle != Lifecycle::live) return Refusal::not_found;
  return one(TaskDeleted{});
}

Decision decide_on(const Task& state, const RestoreTask&) {
  switch (state.lifecycle) {
    case Lifecycle::absent:
      return Refusal::not_found;
    case Lifecycle::live:
      return Refusal::not_deleted;
    case Lifecycle::erased:
      return Refusal::erased;
    case Lifecycle::deleted:
      break;
  }
  return one(TaskRestored{});
}

Decision decide_on(const Task& state, const EraseTask&) {
  switch (state.lifecycle) {
    case Lifecycle::absent:
      return Refusal::not_found;
    case Lifecycle::live:
      return Refusal::not_deleted;
    case Lifecycle::erased:
      return Events{};
    case Lifecycle::deleted:
      break;
  }
  return one(TaskErased{});
}

Decision decide_on(const Task&, const UndoEvent&) {
  throw std::logic_error("decide: an undo needs the history; call decide_undo");
}

// --- one event on the state before it

struct Occurrence {
  Timestamp time;
  const UserId& actor;
};

void apply(Task& state, const TaskCreated& event, const Occurrence& at) {
  if (state.lifecycle != Lifecycle::absent) return;
  state.lifecycle = Lifecycle::live;
  state.fields = event.fields;
  state.created_at = at.time;
  state.created_by = at.actor;
}

void apply(Task& state, const TaskUpdated& event, const Occurrence&) {
  if (state.lifecycle != Lifecycle::live) return;
  const TaskPatch& patch = event.patch;
  TaskFields& fields = state.fields;
  if (patch.title) fields.title = *patch.title;
  if (patch.due_date) fields.due_date = *patch.due_date;
  if (patch.priority) fields.priority = *patch.priority;
  if (patch.action_type) fields.action_type = *patch.action_type;
  if (patch.assigned_to) fields.assigned_to = *patch.assigned_to;
  if (patch.links) fields.links = *patch.links;
}

void apply(Task& state, const TaskCompleted& event, const Occurrence& at) {
  if (state.lifecycle != Lifecycle::live || state.is_completed()) return;
  state.completed_at = event.completed_at.value_or(at.time);
  state.completed_by = event.completed_by.value_or(at.actor);
}

void apply(Task& state, const TaskReopened&, const Occurrence&) {
  if (state.lifecycle != Lifecycle::live) return;
  state.completed_at.reset();
  state.completed_by.reset();
}

void apply(Task& state, const TaskDeleted&, const Occurrence&) {
  if (state.lifecycle == Lifecycle::live) state.lifecycle = Lifecycle::deleted;
}

void apply(Task& state, const TaskRestored&, const Occurrence&) {
  if (state.lifecycle == Lifecycle::deleted) state.lifecycle = Lifecycle::live;
}

// On any state: the payloads of the events before an erasure are gone, so that a fold may come here from nothing.
void apply(Task& state, const TaskErased&, const Occurrence&) {
  state = Task{};
  state.lifecycle = Lifecycle::erased;
}

}  // namespace

TaskPatch changes_of(const TaskFields& fields, const TaskPatch& patch) {
  TaskPatch changes;
  const auto keep = [](const auto& held, const auto& given, auto& kept) {
    if (given && *given != held) kept = given;
  };
  keep(fields.title, patch.title, changes.title);
  keep(fields.due_date, patch.due_date, changes.due_date);
  keep(fields.priority, patch.priority, changes.priority);
  keep(fields.action_type, patch.action_type, changes.action_type);
  keep(fields.assigned_to, patch.assigned_to, changes.assigned_to);
  if (patch.links && !same_links(fields.links, *patch.links)) changes.links = patch.links;
  return changes;
}

Result<std::vector<TaskEvent>, Refusal> decide(const Task& state, const TaskCommand& command) {
  return std::visit([&](const auto& alternative) { return decide_on(state, alternative); }, command);
}

void evolve(Task& state, const TaskId& id, Version version, Timestamp time, const UserId& actor,
            const TaskEvent& event) {
  std::visit([&](const auto& alternative) { apply(state, alternative, Occurrence{time, actor}); }, event);
  state.id = id;
  state.version = version;
  state.updated_at = time;
}

}  // namespace taskledger
