// Commands: what a caller asks for, validated, in the imperative.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "core/ids.h"
#include "core/result.h"
#include "core/task.h"
#include "core/time_zone.h"

namespace taskledger {

struct CreateTask {
  TaskFields fields;
};
struct UpdateTask {
  TaskPatch patch;
};
struct CompleteTask {
  bool completed = true;
};  // false: reopen
struct DeleteTask {};
struct RestoreTask {};
struct UndoEvent {
  std::optional<EventId> event;
};  // absent: the task's last event
struct EraseTask {};
using TaskCommand = std::variant<CreateTask, UpdateTask, CompleteTask, DeleteTask, RestoreTask, UndoEvent, EraseTask>;

}  // namespace taskledger
