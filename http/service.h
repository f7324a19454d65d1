// What the session calls for each request. Implemented by the router and its handlers (api.h).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "http/message.h"

namespace taskledger::http {

template <class T>
using Task = boost::asio::awaitable<T, boost::asio::io_context::executor_type>;

// What a route and its caller amount to, decided from the head alone. Opaque to the session.
struct Admission {
  const struct Route* route = nullptr;
  std::uint64_t body_limit = 0;        // bytes; more is 413
  std::uint64_t token_generation = 0;  // of the directory, when the caller's token was looked up
  std::shared_ptr<void> caller;        // the service's own
};

// Writes an open-ended answer (SSE). Valid while the stream's coroutine runs.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  // The status line and headers; then pieces. False when the connection is gone or too slow: stop.
  virtual Task<bool> start(Reply head) = 0;
  virtual Task<bool> write(std::string_view piece) = 0;
  [[nodiscard]] virtual bool closing() const = 0;  // the server is stopping, or the peer has hung up
  // `call` runs once, on the stream's io thread, when closing() turns true (at once if it already is): to wake a stream
  // that waits for something to send. Replaces an earlier one; forgotten when the stream's coroutine ends.
  virtual void on_closing(std::function<void()> call) = 0;
};
using Stream = std::function<Task<void>(StreamWriter&)>;
using Answer = std::variant<Reply, Stream>;

class Service {
 public:
  virtual ~Service() = default;
  // Route, token, scope, rate, type and size, in that order: who and what, or the reply that refuses.
  virtual std::variant<Admission, Reply> admit(const RequestHead& head) = 0;
  // Answers at once where that is quick (most reads); nullopt: call `answer`.
  virtual std::optional<Reply> answer_now(const RequestHead& head, const Admission& admission,
                                          std::string_view body) = 0;
  virtual Task<Answer> answer(const RequestHead& head, const Admission& admission, std::string body) = 0;
  // Replies for what never became a request, or not a whole one: 400, 408, 413, 414, 431, 503 (too many connections).
  // `head` and `admission` as far as it came; else nullptr.
  virtual Reply refuse(const RequestHead* head, const Admission* admission, unsigned status,
                       std::string_view message) = 0;
  // Called after each reply was handed to the socket, for access lines and metrics.
  virtual void finished(const RequestHead& head, const Admission* admission, unsigned status, std::uint64_t bytes,
                        std::uint64_t microseconds) = 0;
};

}  // namespace taskledger::http
