#pragma once
#include <cstdint>
#include <string>

namespace taskledger::bench {

// Serves `answer` (a whole HTTP answer) to every request on 127.0.0.1:port until the process is ended.
int serve_ceiling(std::uint16_t port, unsigned threads, const std::string& answer);

}  // namespace taskledger::bench
