// A service that answers by its target, and a client on a bare socket that can send any bytes in any pieces.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "http/async_call.h"
#include "http/kept_headers.h"
#include "http/server.h"

namespace taskledger::http {

using namespace std::chrono_literals;

// GET /anything: "METHOD target" (and the body, if there was one) at once. The others are named after what they do.
class FakeService : public Service {
 public:
  ~FakeService() override {
    for (auto& helper : helpers_) helper.join();
  }

  std::variant<Admission, Reply> admit(const RequestHead& head) override {
    ++admitted;
    if (head.target == "/throw-admit") throw std::runtime_error("admit is broken");
    if (head.target == "/deny") return refuse(nullptr, nullptr, 401, "no");
    Admission admission;
    admission.body_limit = head.target == "/small" ? 100 : 8 << 20;
    return admission;
  }

  std::optional<Reply> answer_now(const RequestHead& head, const Admission&, std::string_view body) override {
    ++answered;
    Reply reply;
    if (head.target == "/throw-now") throw std::runtime_error("answer_now is broken");
    if (head.target.starts_with("/later") || head.target.starts_with("/stream") || head.target == "/throw-later")
      return {};
    if (head.target == "/big") {
      reply.body.assign(32 << 20, 'b');
    } else if (head.target.starts_with("/shared/")) {  // "[" x… "]", x… shared, as many as the target says
      reply.body = "[]";
      reply.shared = std::make_shared<const std::string>(std::stoul(std::string(head.target.substr(8))), 'x');
      reply.shared_at = 1;
      const std::lock_guard lock(mutex_);
      last_shared_ = reply.shared;
    } else if (head.target == "/nothing") {
      reply.status = 204;
    } else if (head.target == "/unchanged") {
      reply.status = 304;
      reply.headers = "ETag: \"7\"\r\n";
    } else if (head.target == "/count") {
      reply.body = std::to_string(body.size());
    } else if (head.target == "/close") {
      reply.body = "bye", reply.close = true;
    } else if (head.target == "/fields") {
      reply.body = fields(head);
    } else {
      reply.body = name(head.method) + " " + std::string(head.target);
      if (!body.empty()) reply.body.append(" ").append(body);
    }
    return reply;
  }

  Task<Answer> answer(const RequestHead& head, const Admission&, std::string body) override {
    if (head.target == "/throw-later") throw std::runtime_error("answer is broken");
    if (head.target.starts_with("/stream")) {
      http::Stream stream = head.target == "/stream" ? count_to_three() : until_closed(head.target == "/stream-fast");
      if (head.target == "/stream-throw") stream = breaks_off();
      co_return Answer(std::move(stream));
    }
    const auto pause = head.target == "/later-long" ? 400ms : 5ms;
    const auto before = std::this_thread::get_id();
    auto initiate = [this, pause](std::function<void(int)> done) {
      const std::lock_guard lock(mutex_);
      helpers_.emplace_back([pause, done = std::move(done)] {
        std::this_thread::sleep_for(pause);
        done(42);
      });
    };
    const int value = co_await resume_here<int>(std::move(initiate));
    Reply reply;
    reply.body = std::to_string(value) + " " + std::string(head.target) + " " + body;
    if (before != std::this_thread::get_id()) reply.body = "resumed on another thread";
    co_return Answer(std::move(reply));
  }

  Reply refuse(const RequestHead*, const Admission*, unsigned status, std::string_view message) override {
    Reply reply;
    reply.status = status;
    reply.body = "refused: " + std::string(message);
    return reply;
  }

  void finished(const RequestHead&, const Admission*, unsigned status, std::uint64_t, std::uint64_t) override {
    const std::lock_guard lock(mutex_);
    ++statuses[status];
  }
  // Whether anybody still holds what the last answer of /shared/ shared.
  bool shared_is_held() {
    const std::lock_guard lock(mutex_);
    return !last_shared_.expired();
  }
  int finished_with(unsigned status) {
    const std::lock_guard lock(mutex_);
    return statuses[status];
  }

  std::atomic<int> admitted{0}, answered{0}, streams{0}, streams_ended{0};

 private:
  static std::string name(Method method) {
    static const char* const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"};
    return names[static_cast<int>(method)];
  }
  static std::string fields(const RequestHead& head) {
    std::string out;
    const auto add = [&](const char* key, std::string_view value) {
      out.append(key).append("=").append(value).append(";");
    };
    add("auth", head.authorization), add("type", head.content_type), add("match", head.if_match);
    add("none", head.if_none_match), add("key", head.idempotency_key), add("min", head.min_position);
    add("last", head.last_event_id), add("trace", head.traceparent), add("id", head.request_id),
        add("origin", head.origin);
    std::string repeated;
    for (const KeptHeader& header : kKeptHeaders) {
      if (is_repeated(head, header.value)) repeated.append(repeated.empty() ? "" : ",").append(header.name);
    }
    add("acrm", head.access_control_request_method), add("repeated", repeated), add("from", head.remote_address);
    out.append(head.has_idempotency_key ? "K" : "").append(head.has_if_match ? "M" : "");
    out.append(head.has_min_position ? "P" : "")
        .append(head.has_authorization ? "A" : "")
        .append(head.has_body ? "B" : "");
    return out;
  }
  static http::Stream count_to_three() {
    return [](StreamWriter& out) -> Task<void> {
      Reply head;
      head.content_type = "text/event-stream";
      if (!co_await out.start(std::move(head))) co_return;
      for (const char* piece : {"one\n", "", "two\n", "three\n"}) {
        if (!co_await out.write(piece)) co_return;
      }
    };
  }
  http::Stream until_closed(bool fast) {
    return [this, fast](StreamWriter& out) -> Task<void> {
      ++streams;
      Reply head;
      bool open = co_await out.start(std::move(head));
      const std::string piece(fast ? 64 << 10 : 4, 'x');
      while (open && !out.closing()) {
        open = co_await out.write(piece);
        if (fast) continue;
        auto initiate = [&out](std::function<void(bool)> done) { out.on_closing([done] { done(true); }); };
        co_await resume_here<bool>(std::move(initiate));
      }
      ++streams_ended;
    };
  }
  static http::Stream breaks_off() {
    return [](StreamWriter& out) -> Task<void> {
      Reply head;
      co_await out.start(std::move(head));
      co_await out.write("half");
      throw std::runtime_error("stream is broken");
    };
  }

  std::mutex mutex_;
  std::weak_ptr<const std::string> last_shared_;  // under mutex_
  std::map<unsigned, int> statuses;
  std::vector<std::thread> helpers_;
};

struct Response {
  unsigned status = 0;
  std::string head, body;
  [[nodiscard]] bool has(std::string_view line) const {
    return head.find(std::string("\r\n").append(line).append("\r\n")) != head.npos;
  }
};

// Reads give up after ten seconds: a test then fails instead of hanging.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const timeval limit{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error(std::strerror(errno));
  }
  RawClient(RawClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)), got_(std::move(other.got_)) {}
  ~RawClient() { close(); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  // The next answer; status 0 when there is none. `no_body`: it answers a HEAD.
  Response read(bool no_body = false) {
    Response response;
    std::size_t end;
    while ((end = got_.find("\r\n\r\n")) == got_.npos) {
      if (!more()) return response;
    }
    response.head = got_.substr(0, end + 4);
    got_.erase(0, end + 4);
    response.status = static_cast<unsigned>(std::stoi(response.head.substr(9, 3)));
    if (no_body || response.status < 200 || response.status == 204 || response.status == 304) return response;
    if (response.has("Transfer-Encoding: chunked")) {
      read_chunks(response);
      return response;
    }
    const auto at = response.head.find("Content-Length: ");
    const std::size_t length = at == response.head.npos ? 0 : std::stoul(response.head.substr(at + 16));
    while (got_.size() < length && more()) {
    }
    response.body = got_.substr(0, length);
    got_.erase(0, length);
    return response;
  }
  Response ask(std::string_view bytes) {
    send(bytes);
    return read();
  }
  // Everything until the server closes; nullopt when it does not, or resets the connection.
  std::optional<std::string> read_to_end() {
    while (more()) {
    }
    if (!ended_) return std::nullopt;
    return std::exchange(got_, {});
  }
  bool closed() {
    const auto rest = read_to_end();
    return rest && rest->empty();
  }
  bool gone() {  // closed in any way, a reset included
    while (more()) {
    }
    return ended_ || reset_;
  }

 private:
  bool more() {
    char piece[16384];
    const ssize_t n = ::recv(socket_, piece, sizeof piece, 0);
    ended_ = n == 0;
    reset_ = n < 0 && errno == ECONNRESET;
    if (n > 0) got_.append(piece, static_cast<std::size_t>(n));
    return n > 0;
  }
  void read_chunks(Response& response) {
    for (;;) {
      std::size_t eol;
      while ((eol = got_.find("\r\n")) == got_.npos) {
        if (!more()) return;
      }
      const std::size_t size = std::stoul(got_.substr(0, eol), nullptr, 16);
      while (got_.size() < eol + 2 + size + 2) {
        if (!more()) return;
      }
      response.body += got_.substr(eol + 2, size);
      got_.erase(0, eol + 2 + size + 2);
      if (size == 0) {
        response.body += "<end>";
        return;
      }
    }
  }

  int socket_;
  std::string got_;
  bool ended_ = false, reset_ = false;
};

class ServerTest : public ::testing::Test {
 protected:
  static ServerOptions options() {
    ServerOptions options;
    options.port = 0;
    options.threads = 2;
    return options;
  }
  void start(ServerOptions with = options()) {
    server.emplace(std::move(with), service);
    server->start();
  }
  RawClient connect(int receive_buffer = 0) {
    if (!server) start();
    return RawClient(server->port(), receive_buffer);
  }
  // Waits for what another thread brings about; false after ten seconds.
  template <class Condition>
  static bool eventually(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }

  FakeService service;
  std::optional<Server> server;
};

inline std::string get(std::string_view target, std::string_view fields = "") {
  return std::string("GET ").append(target).append(" HTTP/1.1\r\nHost: x\r\n").append(fields).append("\r\n");
}
inline std::string post(std::string_view target, std::string_view body, std::string_view fields = "") {
  return std::string("POST ")
      .append(target)
      .append(" HTTP/1.1\r\nHost: x\r\n")
      .append(fields)
      .append("Content-Length: ")
      .append(std::to_string(body.size()))
      .append("\r\n\r\n")
      .append(body);
}

}  // namespace taskledger::http
