// The session, for any stream: instantiated for TCP in session_plain.cc and for TLS in session_tls.cc, nowhere else.
//
// A request's way: bytes into `in_` → RequestParser → Service::admit → body → answer_now or answer → one gathered
// write. In the steady state of small requests nothing is allocated here: buffers are reused, views point into them,
// and no coroutine but run() itself takes part.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "http/body_budget.h"
#include "http/input_buffer.h"
#include "http/reply_head.h"
#include "http/request_id.h"
#include "http/request_parser.h"
#include "http/session.h"

namespace taskledger::http {

// For a peer that still sends to get to read the answer that ends its connection: many a client sends all before it
// reads. Time for what comes next and in all, and bytes: twice the largest body of a route.
inline constexpr std::chrono::milliseconds kLingerTime{1'000}, kLingerInAll{10'000};
inline constexpr std::size_t kLingerBytes = 8 * 1024 * 1024;
inline constexpr std::size_t kBodyStep = 64 * 1024;     // a body is given room as it comes, not as it is announced
inline constexpr std::size_t kJoinedBody = 16 * 1024;   // bodies up to this are sent in one piece with the head
inline constexpr std::size_t kJoinedShared = 2 * 1024;  // likewise what a body shares with others
inline constexpr std::size_t kKeptBody = 64 * 1024;     // capacity kept from one request to the next
inline constexpr std::string_view kTooMuch = "Too much is being received at once";

template <class Stream>
class Session final : public Connection, private WriteTurn::Writer {
 public:
  static constexpr bool kTls = !std::is_same_v<Stream, Socket>;

  Session(IoShard& shard, Stream stream, Admit admit);
  ~Session() override;
  Task<void> run();

 private:
  class Writer;
  enum class Next { reply, body, answer, stream, gone };  // what the request under way needs next
  using SteadyClock = std::chrono::steady_clock;

  // Connection.
  void expire() override;
  void begin_stop() override;
  void abandon() override;

  Socket& lowest();
  Task<bool> handshake();
  Task<void> turn_away();

  // Reading.
  Parse begin_request();
  Parse parse_more();
  Next dispatch();
  Next quick(std::string_view body);
  Task<Next> read_body();
  Task<Next> read_sized();
  Task<Next> read_chunked();
  Task<bool> send_continue();
  Task<bool> read_onto(std::string& out, std::size_t most);
  Next body_failed();  // after read_onto() was false
  void skip_body();

  // Answering.
  Task<Next> ask();
  Next refuse(unsigned status, std::string_view message);
  Next refuse_for_now(std::string_view message);  // 503
  Next internal_error(std::string_view reason);
  std::string_view make_id();
  void make_head(Ending ending);
  [[nodiscard]] std::size_t rest_size() const { return rest_[0].size() + rest_[1].size() + rest_[2].size(); }
  [[nodiscard]] std::array<boost::asio::const_buffer, 4> unwritten() const;
  bool write_now();
  bool write_made();
  void write_in_turn() override;
  Task<bool> write_rest();
  bool finish_request();
  void report(std::uint64_t bytes);
  Task<void> serve_stream();
  Task<void> watch();
  void peer_gone();
  Task<void> end();

  IoShard& shard_;
  Stream stream_;
  const Admit admit_;
  std::string remote_;
  RequestId own_id_{};  // of the request under way, when it brought none

  InputBuffer in_;
  std::optional<RequestParser> parser_;
  std::string body_, chunks_;          // chunks_: received and not yet decoded
  BodyShare head_share_, body_share_;  // of long heads and of bodies
  std::string_view body_view_;         // the body as answer() gets it: in body_ or in_
  std::size_t used_ = 0;               // bytes of in_ that belong to the request under way
  std::optional<Admission> admission_;
  StreamWriter* writer_ = nullptr;
  http::Stream stream_answer_;
  Reply reply_;
  std::string out_;                       // the head of the answer, and its body where that is small
  std::array<std::string_view, 3> rest_;  // of the answer, in `reply_`, to be sent after `out_`
  std::size_t written_ = 0;               // of both
  SteadyClock::time_point started_;

  bool first_ = true;          // no request has come yet
  bool idle_ = false;          // waiting for the first byte of a request
  bool begun_ = false;         // something has come since the last request
  bool head_begun_ = false;    // more than empty lines
  bool have_request_ = false;  // the head was understood
  bool expired_ = false, broken_ = false;
  bool in_turn_ = false;   // the answer is made and not written yet
  bool whole_ = false;     // it was taken by the socket whole
  bool too_much_ = false;  // is being received by all connections together
  bool close_ = false;     // after the answer under way
  bool linger_ = false;    // the peer may still be sending
  bool watching_ = false, watched_enough_ = false, peer_gone_ = false;
  std::function<void()> on_closing_;
  std::optional<SteadyTimer> watch_ended_;
};

template <class Stream>
Session<Stream>::Session(IoShard& shard, Stream stream, Admit admit)
    : Connection(shard.deadlines),
      shard_(shard),
      stream_(std::move(stream)),
      admit_(admit),
      head_share_(shard.received.heads),
      body_share_(shard.received.bodies) {
  boost::system::error_code ignored;
  const auto peer = lowest().remote_endpoint(ignored);
  if (!ignored) remote_ = peer.address().to_string();
  lowest().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  lowest().non_blocking(true, ignored);  // for write_now()
}

template <class Stream>
Session<Stream>::~Session() {
  if (admit_ == Admit::yes) {
    --shard_.connections;
  } else {
    --shard_.turned_away;
  }
}

template <class Stream>
Socket& Session<Stream>::lowest() {
  if constexpr (kTls) {
    return stream_.next_layer();
  } else {
    return stream_;
  }
}

template <class Stream>
void Session<Stream>::expire() {
  expired_ = true;
  boost::system::error_code ignored;
  lowest().cancel(ignored);
}

template <class Stream>
void Session<Stream>::begin_stop() {
  close_ = true;
  boost::system::error_code ignored;
  if (idle_) lowest().cancel(ignored);
  if (auto call = std::exchange(on_closing_, nullptr)) call();
}

template <class Stream>
void Session<Stream>::abandon() {
  boost::system::error_code ignored;
  lowest().close(ignored);
}

template <class Stream>
Task<void> Session<Stream>::run() {
  if constexpr (kTls) {
    if (!co_await handshake()) co_return;
  }
  if (admit_ == Admit::turn_away) {
    co_await turn_away();
    co_return;
  }
  for (bool open = true; open;) {
    Parse parse = begin_request();
    while (parse == Parse::need_more) {
      const auto room = in_.prepare();
      too_much_ = in_.capacity() > InputBuffer::kFree && !head_share_.grow_to(in_.capacity());
      if (too_much_) break;
      const auto [error, n] = co_await stream_.async_read_some(boost::asio::buffer(room.data(), room.size()), kToken);
      if (error || expired_) break;
      in_.commit(n);
      parse = parse_more();
    }
    idle_ = false;
    disarm();
    started_ = SteadyClock::now();
    shard_.load.works();
    Next next = Next::gone;
    if (parse == Parse::complete) {
      next = dispatch();
    } else if (parse == Parse::refused) {
      next = refuse(parser_->status(), parser_->message());
    } else if (too_much_) {
      next = refuse_for_now(kTooMuch);
    } else if (expired_ && head_begun_) {
      next = refuse(408, "Request took too long");
    }
    if (next == Next::body) next = co_await read_body();
    if (next == Next::answer) next = co_await ask();
    if (next == Next::stream) {
      co_await serve_stream();
      break;
    }
    if (next == Next::gone) break;
    make_head(Ending::length);
    if constexpr (!kTls) {
      in_turn_ = true;
      shard_.writes.add(*this);
      if (in_turn_) co_await boost::asio::post(shard_.io.get_executor(), kToken);
      if (in_turn_) shard_.writes.flush();
    }
    if (!whole_) {  // TLS: always
      const bool sent = co_await write_rest();
      if (!sent) break;
    }
    open = finish_request();
  }
  co_await end();
}

// ---- Reading ----

template <class Stream>
Parse Session<Stream>::begin_request() {
  parser_.emplace(HeadLimits{shard_.options.max_request_line, shard_.options.max_header_bytes});
  begun_ = head_begun_ = have_request_ = expired_ = too_much_ = false;
  used_ = 0;
  if (!in_.empty()) return parse_more();
  in_.shrink();
  if (in_.capacity() <= InputBuffer::kFree) head_share_.release();
  idle_ = true;
  // A new connection that sends nothing is given less time than one that has shown itself to be a client.
  arm(first_ ? shard_.options.header_timeout : shard_.options.idle_timeout);
  return Parse::need_more;
}

template <class Stream>
Parse Session<Stream>::parse_more() {
  idle_ = first_ = false;
  if (!head_begun_) {
    // Empty lines before a request are let pass (RFC 9112, 2.2), on the request's time.
    if (!begun_) arm(shard_.options.header_timeout);
    begun_ = true;
    while (in_.bytes().starts_with("\r\n")) in_.consume(2);
    if (in_.empty() || in_.bytes() == "\r") return Parse::need_more;
    head_begun_ = true;
  }
  return parser_->parse_head(in_.bytes());
}

template <class Stream>
auto Session<Stream>::dispatch() -> Next {
  RequestHead& head = parser_->head();
  head.remote_address = remote_;
  if (shard_.options.request_ids && !is_request_id(head.request_id)) head.request_id = make_id();
  have_request_ = true;
  close_ = shard_.stopping || !parser_->keep_alive();
  used_ = parser_->head_size();
  try {
    auto admitted = shard_.service.admit(head);
    if (auto* reply = std::get_if<Reply>(&admitted)) {
      reply_ = std::move(*reply);
      skip_body();
      return Next::reply;
    }
    admission_ = std::move(std::get<Admission>(admitted));
    if (!head.has_body) return quick({});
    if (parser_->is_chunked()) return Next::body;
    if (*head.content_length > admission_->body_limit) return refuse(413, "Body is too large");
    if (in_.size() - used_ < *head.content_length) return Next::body;
    const std::string_view body = in_.bytes().substr(used_, *head.content_length);
    used_ += body.size();
    return quick(body);
  } catch (const std::exception& failure) {
    return internal_error(failure.what());
  } catch (...) {
    return internal_error("unknown exception");
  }
}

template <class Stream>
auto Session<Stream>::quick(std::string_view body) -> Next {
  auto reply = shard_.service.answer_now(parser_->head(), *admission_, body);
  if (!reply) {
    body_view_ = body;
    return Next::answer;
  }
  reply_ = std::move(*reply);
  return Next::reply;
}

// Of a request refused on its head alone: a body that is all here is passed over, another ends the connection.
template <class Stream>
void Session<Stream>::skip_body() {
  const RequestHead& head = parser_->head();
  if (!head.has_body) return;
  if (!parser_->is_chunked() && *head.content_length <= in_.size() - used_) {
    used_ += *head.content_length;
  } else {
    close_ = linger_ = true;
  }
}

template <class Stream>
auto Session<Stream>::read_body() -> Task<Next> {
  arm(shard_.options.body_timeout);
  const Next next = parser_->is_chunked() ? co_await read_chunked() : co_await read_sized();
  if (next != Next::body) co_return next;
  disarm();
  try {
    co_return quick(body_);
  } catch (const std::exception& failure) {
    co_return internal_error(failure.what());
  } catch (...) {
    co_return internal_error("unknown exception");
  }
}

// Next::body: it is all in body_.
template <class Stream>
auto Session<Stream>::read_sized() -> Task<Next> {
  const std::size_t length = *parser_->head().content_length;
  body_.assign(in_.bytes().substr(used_));
  used_ = in_.size();
  if (body_.empty() && !co_await send_continue()) co_return Next::gone;
  while (body_.size() < length) {
    if (!co_await read_onto(body_, length - body_.size())) co_return body_failed();
  }
  co_return Next::body;
}

template <class Stream>
auto Session<Stream>::read_chunked() -> Task<Next> {
  chunks_.assign(in_.bytes().substr(used_));
  used_ = in_.size();
  body_.clear();
  if (chunks_.empty() && !co_await send_continue()) co_return Next::gone;
  for (;;) {
    std::size_t done = 0;
    const Parse parse = parser_->decode_chunks(chunks_, done, body_, admission_->body_limit);
    chunks_.erase(0, done);
    if (parse == Parse::complete) co_return Next::body;
    if (parse == Parse::refused) co_return refuse(parser_->status(), parser_->message());
    if (!co_await read_onto(chunks_, kBodyStep)) co_return body_failed();
  }
}

template <class Stream>
Task<bool> Session<Stream>::send_continue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  if (!parser_->expects_continue()) co_return true;
  const auto [error, n] =
      co_await boost::asio::async_write(stream_, boost::asio::buffer(kContinue.data(), kContinue.size()), kToken);
  co_return !error;
}

// Appends up to `most` bytes as they come; false: none came.
template <class Stream>
Task<bool> Session<Stream>::read_onto(std::string& out, std::size_t most) {
  const std::size_t had = out.size(), step = std::min(most, kBodyStep);
  too_much_ = !body_share_.grow_to(body_.size() + chunks_.size() + step);
  if (too_much_) co_return false;
  out.resize(had + step);
  const auto [error, n] =
      co_await stream_.async_read_some(boost::asio::buffer(out.data() + had, out.size() - had), kToken);
  out.resize(had + n);
  co_return !error && !expired_;
}

template <class Stream>
auto Session<Stream>::body_failed() -> Next {
  if (too_much_) return refuse_for_now(kTooMuch);
  return expired_ ? refuse(408, "Body took too long") : Next::gone;
}

// ---- Answering ----

template <class Stream>
auto Session<Stream>::ask() -> Task<Next> {
  std::string failure;
  try {
    std::string body(body_view_);
    auto answering = shard_.service.answer(parser_->head(), *admission_, std::move(body));
    Answer answer = co_await std::move(answering);
    if (auto* reply = std::get_if<Reply>(&answer)) {
      reply_ = std::move(*reply);
      co_return Next::reply;
    }
    stream_answer_ = std::move(std::get<http::Stream>(answer));
    co_return Next::stream;
  } catch (const std::exception& error) {
    failure = error.what();
  } catch (...) {
    failure = "unknown exception";
  }
  co_return internal_error(failure);
}

// For what the peer did wrong: nothing after it on this connection can be trusted.
template <class Stream>
auto Session<Stream>::refuse(unsigned status, std::string_view message) -> Next {
  reply_ = shard_.service.refuse(have_request_ ? &parser_->head() : nullptr, admission_ ? &*admission_ : nullptr,
                                 status, message);
  close_ = linger_ = true;
  return Next::reply;
}

template <class Stream>
auto Session<Stream>::refuse_for_now(std::string_view message) -> Next {
  refuse(503, message);
  if (reply_.headers.find("Retry-After:") == std::string::npos) reply_.headers += "Retry-After: 1\r\n";
  return Next::reply;
}

template <class Stream>
auto Session<Stream>::internal_error(std::string_view reason) -> Next {
  log_failure("request", std::make_exception_ptr(std::runtime_error(std::string(reason))));
  return refuse(500, "Internal error");
}

template <class Stream>
std::string_view Session<Stream>::make_id() {
  own_id_ = make_request_id(shard_.options.request_ids);
  return {own_id_.data(), own_id_.size()};
}

template <class Stream>
void Session<Stream>::make_head(Ending ending) {
  close_ = close_ || reply_.close || shard_.stopping || ending != Ending::length;
  HeadOptions options;
  options.ending = ending;
  options.close = close_;
  options.keep_alive_http_1_0 = !parser_->is_http_1_1();
  options.date_line = shard_.date_line;
  options.standard_lines = shard_.options.standard_headers;
  if (shard_.options.request_ids) options.request_id = have_request_ ? parser_->head().request_id : make_id();
  out_.clear();
  append_reply_head(out_, reply_, options);
  const bool is_head = have_request_ && parser_->head().method == Method::head;
  rest_ = {};
  written_ = 0;
  if (is_head || !has_body(reply_)) return;
  std::string_view shared = reply_.shared ? std::string_view(*reply_.shared) : std::string_view();
  std::string_view before = reply_.before_shared(), after = reply_.after_shared();
  // Copying a small body costs less than a gathered write does in the kernel.
  if (ending == Ending::length && before.size() <= kJoinedBody) {
    out_ += std::exchange(before, {});
    if (shared.size() <= kJoinedShared) out_.append(std::exchange(shared, {})).append(std::exchange(after, {}));
  }
  rest_ = {before, shared, after};
}

template <class Stream>
std::array<boost::asio::const_buffer, 4> Session<Stream>::unwritten() const {
  std::array<boost::asio::const_buffer, 4> buffers;
  std::size_t skipped = written_, i = 0;
  for (const std::string_view piece : {std::string_view(out_), rest_[0], rest_[1], rest_[2]}) {
    const std::size_t sent = std::min(skipped, piece.size());
    skipped -= sent;
    buffers[i++] = boost::asio::const_buffer(piece.data() + sent, piece.size() - sent);
  }
  return buffers;
}

template <class Stream>
void Session<Stream>::write_in_turn() {
  in_turn_ = false;
  whole_ = write_made();
}

template <class Stream>
bool Session<Stream>::write_now() {
  make_head(Ending::length);
  return write_made();
}

// Mostly the socket takes an answer whole: then no operation has to be queued for it.
template <class Stream>
bool Session<Stream>::write_made() {
  if constexpr (kTls) {
    return false;
  } else {
    const auto buffers = unwritten();
    boost::system::error_code error;
    written_ = rest_size() == 0 ? stream_.write_some(buffers[0], error) : stream_.write_some(buffers, error);
    if (error) written_ = 0;
    broken_ = error && error != boost::asio::error::would_block && error != boost::asio::error::try_again;
    return !broken_ && written_ == out_.size() + rest_size();
  }
}

template <class Stream>
Task<bool> Session<Stream>::write_rest() {
  if (broken_) co_return false;
  expired_ = false;
  arm(shard_.options.write_timeout);
  const auto buffers = unwritten();
  const auto [error, n] = co_await boost::asio::async_write(stream_, buffers, kToken);
  written_ += n;
  disarm();
  if (!error && !expired_) co_return true;
  broken_ = true;
  report(written_);
  co_return false;
}

// Whether another request may follow.
template <class Stream>
bool Session<Stream>::finish_request() {
  report(out_.size() + rest_size());
  shard_.load.answered();
  admission_.reset();
  rest_ = {};
  reply_.shared.reset();  // an idle connection holds no page
  body_view_ = {};
  if (have_request_ && parser_->is_chunked() && !close_) {
    in_.assign(chunks_);
    chunks_.clear();
  } else {
    in_.consume(std::min(used_, in_.size()));
  }
  if (body_.capacity() > kKeptBody) std::string().swap(body_);
  if (chunks_.capacity() > kKeptBody) std::string().swap(chunks_);
  body_share_.release();
  linger_ = linger_ || !in_.empty();  // matters on closing only
  return !close_;
}

template <class Stream>
void Session<Stream>::report(std::uint64_t bytes) {
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - started_);
  RequestHead unknown;
  unknown.remote_address = remote_;
  unknown.request_id = {own_id_.data(), own_id_.size()};
  shard_.service.finished(have_request_ ? parser_->head() : unknown, admission_ ? &*admission_ : nullptr, reply_.status,
                          bytes, static_cast<std::uint64_t>(took.count()));
}

// Ends the connection so that the peer gets to read its answer: closing a socket with unread input resets it.
template <class Stream>
Task<void> Session<Stream>::end() {
  if (broken_ || !lowest().is_open()) co_return;
  parser_.reset();  // its views go with the buffer
  in_ = InputBuffer();
  head_share_.release();
  expired_ = false;
  arm(kLingerTime);
  if constexpr (kTls) {
    co_await stream_.async_shutdown(kToken);
    if (expired_) co_return;
  }
  boost::system::error_code error;
  lowest().shutdown(Socket::shutdown_send, error);
  if (!linger_ || error) co_return;
  std::vector<char> nowhere(16 * 1024);
  const auto until = SteadyClock::now() + kLingerInAll;
  for (std::size_t drained = 0; drained < kLingerBytes && !shard_.stopping && SteadyClock::now() < until;) {
    arm(kLingerTime);
    const auto [failed, n] = co_await lowest().async_read_some(boost::asio::buffer(nowhere), kToken);
    if (failed || expired_) break;
    drained += n;
  }
}

template <class Stream>
Task<void> Session<Stream>::turn_away() {
  parser_.emplace(HeadLimits{});
  started_ = SteadyClock::now();
  refuse_for_now("Too many connections");
  bool sent = write_now();
  if (!sent) sent = co_await write_rest();
  if (!sent) co_return;
  report(out_.size() + rest_size());
  co_await end();
}

}  // namespace taskledger::http

#include "http/session_stream.h"
