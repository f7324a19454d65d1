// The process's own log, on stderr: set up once at the start, before other threads.
#pragma once

#include <string>

namespace taskledger::app {

enum class LogFormat { text, json };

// `level`: trace, debug, info, warn, error or off. JSON lines have time, level and message.
void set_up_logging(LogFormat format, const std::string& level);

}  // namespace taskledger::app
