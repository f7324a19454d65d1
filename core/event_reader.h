// The `data` of an event as it stands inside a larger document (an event line). Internal to core.
#pragma once

#include "core/event.h"
#include "core/json_reader.h"

namespace taskledger::json {

// As parse_event_data; faults name places below `path`.
[[nodiscard]] Result<TaskEvent> read_event_data(const Path& path, EventType type, const Object& data);

// As parse_event_data, whose short way for what is stored this is not.
[[nodiscard]] Result<TaskEvent> read_event_text(EventType type, std::string_view json);

}  // namespace taskledger::json
