#include "projections/applier.h"

#include <fmt/core.h>

#include "core/decider.h"

namespace taskledger::projections {

namespace {

bool carries_data(EventType type) {
  return type == EventType::task_created || type == EventType::task_updated || type == EventType::task_completed;
}

// What a task's stream folds to up to the record.
Result<Task, storage::ReadError> task_after(const storage::Record& record, const storage::EventLog& log) {
  Task task;
  Result<void, storage::ReadError> folded{};
  if (record.before != nullptr) {
    task = *record.before;
    if (folded = fold_record(task, record); !folded) return folded.error();
    return task;
  }
  const auto visit = [&](const storage::Record& one) {
    if (one.version > record.version) return false;
    folded = fold_record(task, one);
    return folded.has_value();
  };
  if (auto read = log.read_stream(record.workspace, record.stream, {1}, visit); !read) return read.error();
  if (!folded) return folded.error();
  return task;
}

Result<void, storage::ReadError> restore(Image& image, const storage::Record& record, const storage::EventLog& log) {
  const auto task = task_after(record, log);
  if (!task) return task.error();
  if (task->lifecycle == Lifecycle::live) image.put(*task);
  return {};
}

}  // namespace

Result<const TaskEvent*, storage::ReadError> read_event(const storage::Record& record, TaskEvent& room) {
  if (record.event != nullptr) return record.event;
  const auto type = static_cast<EventType>(record.type);
  if (!record.payload && carries_data(type)) return static_cast<const TaskEvent*>(nullptr);
  auto event = parse_event_data(type, record.payload.value_or("{}"));
  if (!event) {
    return storage::ReadError{fmt::format("position {}: event of type {} cannot be read: {}", record.position.value,
                                          record.type, event.error().message)};
  }
  room = *std::move(event);
  return static_cast<const TaskEvent*>(&room);
}

Result<void, storage::ReadError> fold_record(Task& task, const storage::Record& record) {
  TaskEvent room;
  const auto event = read_event(record, room);
  if (!event) return event.error();
  if (*event != nullptr) evolve(task, {record.stream}, record.version, record.time, record.actor, **event);
  return {};
}

Result<void, storage::ReadError> apply_record(Image& image, const storage::Record& record, const TaskEvent* event,
                                              const storage::EventLog& log) {
  const auto type = static_cast<EventType>(record.type);
  const auto row = image.find(record.stream);
  if (type == EventType::task_deleted || type == EventType::task_erased) {
    if (row && Version{image.version[*row]} < record.version) image.remove({record.stream});
    return {};
  }
  if (type == EventType::task_restored) return row ? Result<void, storage::ReadError>{} : restore(image, record, log);
  if (event == nullptr || (!row && type != EventType::task_created))
    return {};  // deleted since, or its creation was erased
  Task task;
  if (row) {
    task = image.task(*row);
    if (record.version <= task.version) return {};
  }
  evolve(task, {record.stream}, record.version, record.time, record.actor, *event);
  if (task.lifecycle == Lifecycle::live) image.put(task);
  return {};
}

}  // namespace taskledger::projections
