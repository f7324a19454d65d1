// The conditions of a FilterGroup, from JSON. Internal to core.
#pragma once

#include "core/filter.h"
#include "core/json_reader.h"

namespace taskledger::json {

// An object with a `field`. Faults name places below `path`.
[[nodiscard]] Result<Condition> read_condition(const Path& path, const Object& object, const TimeZone& zone);

}  // namespace taskledger::json
