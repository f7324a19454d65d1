// A blocking HTTP/1.1 client for commands that ask a running server: one request, one connection, deadlines.
// http and https (verified against the system's certificates). Throws Failed when there is no answer.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace taskledger::app {

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};

// What takes longer fails, and says what it was.
struct HttpPatience {
  std::chrono::milliseconds connect =
      std::chrono::seconds{30};  // to look the name up, and again to be connected, certificates included
  std::chrono::milliseconds send = std::chrono::seconds{30};  // for the whole request
  // From there to the end of the answer. None: as long as the server's machine is there (TCP keepalive), for what
  // takes its time.
  std::optional<std::chrono::milliseconds> answer = std::chrono::seconds{60};
};

// `base`: "http://127.0.0.1:8080", with or without a path or a final slash. `target` begins with a slash.
[[nodiscard]] HttpAnswer http_request(const std::string& base, const std::string& token, std::string_view method,
                                      std::string_view target, std::string_view body = {},
                                      const HttpPatience& patience = {});

// The same, where only a 2xx is of use: otherwise Failed with the server's own message.
[[nodiscard]] std::string http_request_ok(const std::string& base, const std::string& token, std::string_view method,
                                          std::string_view target, std::string_view body = {},
                                          const HttpPatience& patience = {});

}  // namespace taskledger::app
