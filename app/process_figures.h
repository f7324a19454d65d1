// What the kernel tells of this process (/proc/self). Where it tells nothing the figure is 0. Any thread.
#pragma once

#include <cstdint>

namespace taskledger::app {

struct ProcessFigures {
  double cpu_seconds = 0, start_time_seconds = 0;  // start: since 1970
  std::uint64_t resident_bytes = 0, virtual_bytes = 0, open_fds = 0, max_fds = 0, threads = 0;
};
[[nodiscard]] ProcessFigures process_figures();

}  // namespace taskledger::app
