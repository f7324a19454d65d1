// A closed-loop HTTP/1.1 load generator (or, with a rate, one that rests in between): one thread, epoll, keep-alive,
// one request in flight for each connection. Owned by the caller; not thread-safe. Failures to connect throw
// std::runtime_error.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace taskledger::bench {

struct LoadOptions {
  std::uint16_t port = 0;
  unsigned connections = 64;
  double seconds = 3, warmup = 1;
  unsigned idle_connections = 0;   // opened and left alone for the whole run
  double requests_per_second = 0;  // of all connections together; 0: each as soon as its last one is answered
};

struct LoadResult {
  double requests_per_second = 0;
  double p50_ms = 0, p99_ms = 0, p999_ms = 0, max_ms = 0;
  std::uint64_t requests = 0, errors = 0;  // errors: not 2xx, or a broken connection
  std::uint64_t unavailable = 0;           // of the errors: 503
  double generator_cores = 0;              // CPU time of this process while it measured, by wall time
  std::uint64_t answered = 0;              // requests with those of the warm-up
  double server_us = 0;                    // CPU time of the server a request (alternate() fills it in)
};

// Gives the next whole request (head and body) for a connection; `answer` is the body of the connection's last answer,
// empty at first.
using NextRequest = std::function<void(std::string& out, std::string_view answer)>;

[[nodiscard]] LoadResult run_load(const LoadOptions& options, const NextRequest& next);

// One request on a fresh connection; the status in `status`. For set-up and for capturing the bytes of an answer.
[[nodiscard]] std::string request_once(std::uint16_t port, const std::string& request, unsigned* status = nullptr,
                                       std::string* head = nullptr);
[[nodiscard]] std::string get_request(const std::string& token, std::string_view target);
[[nodiscard]] std::string body_request(std::string_view method, const std::string& token, std::string_view target,
                                       std::string_view body);

}  // namespace taskledger::bench
