// A small HTTP/1.1 client for one endpoint: POST and the status of the answer, over connections that are kept open.
// Names are looked up off the event loop, each address is checked before it is connected to, certificates and host
// names are checked by OpenSSL, redirects are not followed (a 3xx is an answer like others). Bodies of answers are
// thrown away. Threads: all of it runs on the thread of its io_context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reactors/connection_gate.h"
#include "reactors/settings.h"
#include "reactors/url.h"

namespace taskledger::reactors {

struct HttpPost {
  std::vector<std::pair<std::string, std::string>> headers;  // beside Host, User-Agent, Content-Type, Content-Length
  std::string body;                                          // JSON
};
struct HttpOutcome {
  std::uint16_t status = 0;  // 0: no answer came
  std::string error;         // why, for people; empty when an answer came
};

// Looks names up, each on a thread of its own, of which there is a limited number: a name server that hangs delays
// those who ask for the same name, and others only when as many names hang as there are threads. Nothing can end a
// look-up in the system's resolver, so nobody waits for one: its thread is left alone, and its answer forgotten.
// Threads: any.
class Resolver {
 public:
  struct Answer {
    std::vector<boost::asio::ip::address> addresses;
    std::string error;
    bool turned_away = false;  // nobody asked: too many names wait already
  };
  using LookUp = std::function<Answer(const std::string& host)>;  // blocks as long as it likes

  explicit Resolver(unsigned threads = kThreads);  // asks the system
  explicit Resolver(LookUp look_up, unsigned threads = kThreads);
  ~Resolver();  // as close()
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  // Ends with an error after `timeout`, whatever the system's resolver does. `host` may be an address.
  boost::asio::awaitable<Answer> resolve(std::string host, std::chrono::milliseconds timeout);
  // The same without a limit, by a callback that must not block: called once, on another thread or within the call.
  void look_up(const std::string& host, std::function<void(const Answer&)> done);
  // The same, blocking; for callers outside an event loop.
  [[nodiscard]] Answer resolve_now(const std::string& host, std::chrono::milliseconds timeout);
  // Who waits is answered with an error; nobody is answered any more when this returns. At once, and before the event
  // loops of resolve() go.
  void close();

  static constexpr unsigned kThreads = 64;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with look-ups that outlive this
};

// What the endpoints share: the trusted certificates.
class TlsTrust {
 public:
  explicit TlsTrust(const std::string& extra_ca_file);  // throws std::runtime_error when the file cannot be read
  ~TlsTrust();
  struct Impl;
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// What the endpoints share: the connections that are open although no request is under way on them. With those of
// requests they are never more than the gate lets in: they make room, the one unused for longest first.
class IdleConnections {
 public:
  explicit IdleConnections(const ConnectionGate& gate);  // which outlives this
  ~IdleConnections();
  IdleConnections(const IdleConnections&) = delete;
  IdleConnections& operator=(const IdleConnections&) = delete;
  // Closes those that nothing was sent on for `unused`, or that the peer has closed.
  void close_old(std::chrono::milliseconds unused);
  // Closes all: before the io_context goes.
  void clear();
  [[nodiscard]] std::size_t size() const;
  struct Impl;
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

class HttpClient {
 public:
  // All outlive the client. Coroutines of post() end before it does.
  HttpClient(boost::asio::io_context& io, Url url, const WebhookSettings& settings, Resolver& resolver, TlsTrust& trust,
             IdleConnections& idle);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // One attempt, within the settings' times; the caller has a place at the gate. An idle connection that the peer
  // closed meanwhile is replaced once; one on which anything came that was no answer to a request is not used again.
  boost::asio::awaitable<HttpOutcome> post(HttpPost request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace taskledger::reactors
