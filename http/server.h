// The HTTP/1.1 server: listeners, sessions, limits. One io_context and one listening socket (SO_REUSEPORT) a thread, so
// that no connection is shared between threads. Knows nothing of tasks.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/request_load.h"
#include "http/service.h"

namespace taskledger::http {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;                            // 0: any; see Server::port()
  unsigned threads = 0;                                 // 0: one a core
  std::size_t max_connections = 10'000;                 // more are answered 503 and closed
  std::size_t max_request_line = 64 * 1024;             // 414
  std::size_t max_header_bytes = 16 * 1024;             // all fields together: 431
  std::size_t max_body_bytes = std::size_t{256} << 20;  // being received by all connections together; more are 503
  std::chrono::milliseconds header_timeout{10'000};     // from the first byte of a request to the end of its head: 408
  std::chrono::milliseconds body_timeout{30'000};       // for the whole body: 408
  std::chrono::milliseconds idle_timeout{75'000};       // between requests: closed without an answer
  std::chrono::milliseconds write_timeout{30'000};      // a peer that does not read its answer
  std::chrono::milliseconds drain_timeout{10'000};      // on stop: for what is under way
  std::string tls_certificate, tls_key;                 // PEM files; both or none
  std::shared_ptr<RequestLoad> load;                    // of as many threads, told how busy they are; or null
  Clock clock;                                          // for the Date header; empty: answers have none
  std::string standard_headers;                         // ready lines that every answer has
  // Every answer has X-Request-Id: the request's, or one made of these; empty: none has.
  RandomBytes request_ids;
};

// The service must outlive the server, and whatever calls back into a waiting answer (async_call.h) must have done so,
// or been shut down, before the server is destroyed; after stop() such calls are harmless, and without effect.
class Server {
 public:
  Server(ServerOptions options, Service& service);  // throws std::runtime_error when it cannot bind; the text says why
  ~Server();
  void start();  // its threads
  void stop();   // stop accepting, finish what is under way, join
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::size_t connections() const;
  [[nodiscard]] std::size_t body_bytes() const;  // of bodies that are being received
  void reload_tls();                             // the same files anew; keeps the old ones and logs when they are bad

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace taskledger::http
