// ETag, If-Match and If-None-Match. A task's tag is its version in quotes; lists of tags and `*` are understood, weak
// tags too (they match only where the comparison is weak: If-None-Match). Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "commands/command_handler.h"

namespace taskledger::http {

// nullopt: malformed. A tag that is no version of ours is kept out: it matches nothing.
[[nodiscard]] std::optional<commands::IfMatch> parse_if_match(std::string_view header);
// Whether the caller has `version` already. A malformed header is no condition.
[[nodiscard]] bool none_match_holds(std::string_view header, Version version);
// The same for a tag that is no version (without its quotes).
[[nodiscard]] bool none_match_holds(std::string_view header, std::string_view tag);

}  // namespace taskledger::http
