#include "commands/task_stream.h"

#include <fmt/format.h>

#include <optional>

namespace taskledger::commands {
namespace {

// Reads and decodes from a version on; `visit` gets the record and its event.
template <class Visit>
Result<void, storage::ReadError> each_event(const storage::EventLog& log, WorkspaceNumber workspace, const TaskId& id,
                                            Version from, Visit visit) {
  std::optional<storage::ReadError> damaged;
  auto read = log.read_stream(workspace, id.value, from, [&](const storage::Record& record) {
    auto event = event_of(record);
    if (!event) {
      damaged = event.error();
      return false;
    }
    return visit(record, *event);
  });
  if (!read) return read.error();
  if (damaged) return *damaged;
  return {};
}

}  // namespace

Result<TaskEvent, storage::ReadError> event_of(const storage::Record& record) {
  const auto type = static_cast<EventType>(record.type);
  if (!record.payload) return event_without_data(type);
  auto event = parse_event_data(type, *record.payload);
  if (!event) {
    return storage::ReadError{fmt::format("position {}: {}", record.position.value, event.error().message)};
  }
  return *std::move(event);
}

EventId event_id_of(const storage::Record& record, const WorkspaceId& workspace) {
  if (record.id != EventId{}) return record.id;
  return derived_event_id(workspace, TaskId{record.stream}, record.version);
}

Result<void, storage::ReadError> extend_task(const storage::EventLog& log, WorkspaceNumber workspace, Task& state,
                                             const std::function<bool(const storage::Record&)>& more) {
  const TaskId id = state.id;  // an erasure leaves nothing of the state
  return each_event(log, workspace, id, state.version.next(),
                    [&](const storage::Record& record, const TaskEvent& event) {
                      if (more && !more(record)) return false;
                      evolve(state, id, record.version, record.time, record.actor, event);
                      return true;
                    });
}

Result<Task, storage::ReadError> fold_task(const storage::EventLog& log, WorkspaceNumber workspace, const TaskId& id,
                                           const std::function<bool(const storage::Record&)>& more) {
  Task state;
  state.id = id;
  if (auto read = extend_task(log, workspace, state, more); !read) return read.error();
  return state;
}

Result<void, storage::ReadError> extend_history(const storage::EventLog& log, WorkspaceNumber workspace,
                                                const WorkspaceId& workspace_id, TaskHistory& history,
                                                const std::function<bool(const storage::Record&)>& more) {
  Task& state = history.state;
  const TaskId id = state.id;
  return each_event(log, workspace, id, state.version.next(), [&](const storage::Record& record, TaskEvent& event) {
    if (more && !more(record)) return false;
    evolve(state, id, record.version, record.time, record.actor, event);
    history.events.push_back(
        {record.version, record.time, record.actor, event_id_of(record, workspace_id), std::move(event)});
    return true;
  });
}

}  // namespace taskledger::commands
