// Request bodies and their fields, from JSON to validated commands. Errors are the contract's: `Field 'x' …`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/command.h"
#include "core/result.h"
#include "core/time_zone.h"

namespace taskledger {

// `json` is the whole body (valid UTF-8 is checked here). "Body must be valid JSON" / "Body must be a JSON object",
// `Field 'x' is unknown`, `Field 'x' is given twice` and so on. `zone` is the caller's, for times without offset.
[[nodiscard]] Result<CreateTask> parse_create(std::string_view json, const TimeZone& zone);
[[nodiscard]] Result<UpdateTask> parse_update(std::string_view json, const TimeZone& zone);
// An empty body is allowed: completed.
[[nodiscard]] Result<CompleteTask> parse_complete(std::string_view json);
// An empty body, or `{"event_id": UUID}`.
[[nodiscard]] Result<UndoEvent> parse_undo(std::string_view json);

struct BatchRecord {
  std::optional<TaskId> task_id;  // absent for creations
  TaskCommand command;
};
enum class BatchKind { create, update, complete, remove };
struct BatchInvalid {
  std::string message;  // begins `records[i]: ` where a record is at fault
  std::optional<std::size_t> index;
};
// `{"records": [1 to 100 …]}`; syntax and values of all records are checked here.
[[nodiscard]] Result<std::vector<BatchRecord>, BatchInvalid> parse_batch(BatchKind kind, std::string_view json,
                                                                         const TimeZone& zone);
[[noreturn]] void throw_exception_from_error(const BatchInvalid&, const boost::source_location&);

}  // namespace taskledger
