// decide_undo, declared in core/decider.h: which events take an earlier one back, and whether a later one stands in the
// way.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/decider.h"

namespace taskledger {
namespace {

using Decision = Result<std::vector<TaskEvent>, Refusal>;

// What an event touches, as a set: two events that share a bit cannot be taken back out of order.
enum Touches : std::uint32_t {
  kTitle = 1,
  kDueDate = 2,
  kPriority = 4,
  kActionType = 8,
  kAssignedTo = 16,
  kLinks = 32,
  kCompletion = 64,
  kExistence = 128,
};

std::uint32_t touched(const TaskUpdated& event) {
  const TaskPatch& patch = event.patch;
  return (patch.title ? kTitle : 0u) | (patch.due_date ? kDueDate : 0u) | (patch.priority ? kPriority : 0u) |
         (patch.action_type ? kActionType : 0u) | (patch.assigned_to ? kAssignedTo : 0u) | (patch.links ? kLinks : 0u);
}
std::uint32_t touched(const TaskCompleted&) { return kCompletion; }
std::uint32_t touched(const TaskReopened&) { return kCompletion; }
std::uint32_t touched(const TaskCreated& event) {
  const TaskFields& fields = event.fields;
  return kExistence | kTitle | (fields.due_date ? kDueDate : 0u) | (fields.priority ? kPriority : 0u) |
         (fields.action_type ? kActionType : 0u) | (fields.assigned_to ? kAssignedTo : 0u) |
         (fields.links.empty() ? 0u : kLinks);
}
std::uint32_t touched(const TaskDeleted&) { return kExistence; }
std::uint32_t touched(const TaskRestored&) { return kExistence; }
std::uint32_t touched(const TaskErased&) { return kExistence; }

std::uint32_t touched_by(const TaskEvent& event) {
  return std::visit([](const auto& alternative) { return touched(alternative); }, event);
}

TaskCommand inverse(const TaskUpdated& event, const Task& before) {
  const TaskPatch& patch = event.patch;
  const TaskFields& fields = before.fields;
  TaskPatch back;
  if (patch.title) back.title = fields.title;
  if (patch.due_date) back.due_date = fields.due_date;
  if (patch.priority) back.priority = fields.priority;
  if (patch.action_type) back.action_type = fields.action_type;
  if (patch.assigned_to) back.assigned_to = fields.assigned_to;
  if (patch.links) back.links = fields.links;
  return UpdateTask{std::move(back)};
}

// The events that bring `state` back from `event`, given the state just before it. All of an event's effect may be gone
// already, or it may never have had one: then there are none.
Decision take_back(const Task& state, const TaskEvent& event, const Task& before) {
  switch (type_of(event)) {
    case EventType::task_updated:
      return decide(state, inverse(std::get<TaskUpdated>(event), before));
    case EventType::task_completed:
      return decide(state, CompleteTask{false});
    case EventType::task_reopened: {
      if (state.is_completed() || !before.is_completed()) return std::vector<TaskEvent>{};
      return std::vector<TaskEvent>{TaskCompleted{before.completed_at, before.completed_by}};
    }
    case EventType::task_created:
    case EventType::task_restored:
      return decide(state, DeleteTask{});
    case EventType::task_deleted:
      return decide(state, RestoreTask{});
    case EventType::task_erased:
      break;
  }
  return Refusal::erased;
}

}  // namespace

Result<std::vector<TaskEvent>, Refusal> decide_undo(const Task& state, const std::vector<RecordedEvent>& history,
                                                    const UndoEvent& command) {
  if (state.lifecycle == Lifecycle::absent || history.empty()) return Refusal::not_found;
  if (state.lifecycle == Lifecycle::erased) return Refusal::erased;

  auto target = std::prev(history.end());
  if (command.event) {
    // The latest: an imported event may have brought the id that was derived for a later one.
    const auto found = std::find_if(history.rbegin(), history.rend(),
                                    [&](const RecordedEvent& event) { return event.id == *command.event; });
    if (found == history.rend()) return Refusal::event_not_found;
    target = std::prev(found.base());
  }
  // A deletion takes everything with it: while it stands, it alone can be undone.
  const std::uint32_t touches =
      touched_by(target->event) | (state.lifecycle == Lifecycle::deleted ? std::uint32_t{kExistence} : 0u);
  for (auto later = std::next(target); later != history.end(); ++later) {
    if (touched_by(later->event) & touches) return Refusal::superseded;
  }

  Task before;
  for (auto earlier = history.begin(); earlier != target; ++earlier) {
    evolve(before, state.id, earlier->version, earlier->time, earlier->actor, earlier->event);
  }
  Decision events = take_back(state, target->event, before);
  if (events && events->empty()) return Refusal::nothing_to_undo;
  return events;
}

}  // namespace taskledger
