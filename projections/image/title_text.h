// A title as an image keeps it.
#pragma once

#include <string>
#include <string_view>

namespace taskledger::projections {

// Appends the folded title (core/text.h) and a NUL, which no title holds.
void append_folded_title(std::string& out, std::string_view title);

// It needs no escapes in JSON.
[[nodiscard]] bool is_plain_json(std::string_view title);

}  // namespace taskledger::projections
