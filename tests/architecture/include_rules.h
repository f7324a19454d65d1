// The arrows between the layers as rules on the text of one source file. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace taskledger::architecture {

// What in `text`, the content of `path` (relative to the project's root: "http/router.cc"), breaks a rule, one line
// each:
//   - a layer includes only itself and the layers below it; commands and projections never each other;
//   - tests/<layer> and bench may include any layer;
//   - RocksDB is included in storage alone (and in its tests and tests/faults), Asio and Beast in http, reactors and
//   app (and their tests);
//   - the system clock is read in app alone (and in tests and bench);
//   - a header opens with a comment on what it is for (bench apart), and has `#pragma once`.
[[nodiscard]] std::vector<std::string> violations(std::string_view path, std::string_view text);

}  // namespace taskledger::architecture
