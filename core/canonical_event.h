// The payload of an event, read as event_data() writes it: keys in their order, no space, no escape. Nearly all stored
// payloads are such, and whoever folds a log reads all of them. Threads: any. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "core/event.h"

namespace taskledger {

// nullopt: another text, which may be valid all the same; parse_event_data() says. What is read here is what that
// reads.
[[nodiscard]] std::optional<TaskEvent> read_canonical_event(EventType type, std::string_view text);

}  // namespace taskledger
