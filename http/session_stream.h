// The part of the session that serves open-ended answers (SSE). Included by session_impl.h alone.
#pragma once

#include <fmt/format.h>

#include "http/session_impl.h"

namespace taskledger::http {

template <class Stream>
class Session<Stream>::Writer final : public StreamWriter {
 public:
  explicit Writer(Session& session) : session_(session) {}

  Task<bool> start(Reply head) override {
    Session& s = session_;
    s.reply_ = std::move(head);
    s.reply_.body.clear();
    ending_ = s.parser_->is_http_1_1() ? Ending::chunked : Ending::until_close;
    s.make_head(ending_);
    started = true;
    const bool sent = co_await send(s.out_, {}, {});
    co_return sent&& s.parser_->head().method != Method::head&& has_body(s.reply_);
  }

  Task<bool> write(std::string_view piece) override {
    if (failed || session_.peer_gone_) co_return false;
    if (piece.empty()) co_return true;  // as a chunk it would be the last
    if (ending_ != Ending::chunked) co_return co_await send(piece, {}, {});
    const std::string size = fmt::format("{:x}\r\n", piece.size());
    co_return co_await send(size, piece, "\r\n");
  }

  [[nodiscard]] bool closing() const override { return failed || session_.peer_gone_ || session_.shard_.stopping; }

  void on_closing(std::function<void()> call) override {
    if (closing()) {
      call();
    } else {
      session_.on_closing_ = std::move(call);
    }
  }

  Task<void> finish() {
    if (failed || session_.peer_gone_ || ending_ != Ending::chunked) co_return;
    if (session_.parser_->head().method == Method::head || !has_body(session_.reply_)) co_return;
    co_await send("0\r\n\r\n", {}, {});
  }

  bool started = false, failed = false;
  std::uint64_t bytes = 0;

 private:
  Task<bool> send(std::string_view a, std::string_view b, std::string_view c) {
    Session& s = session_;
    s.expired_ = false;
    s.arm(s.shard_.options.write_timeout);
    const std::array buffers{boost::asio::const_buffer(a.data(), a.size()),
                             boost::asio::const_buffer(b.data(), b.size()),
                             boost::asio::const_buffer(c.data(), c.size())};
    const auto [error, n] = co_await boost::asio::async_write(s.stream_, buffers, kToken);
    s.disarm();
    bytes += n;
    failed = failed || error || s.expired_;
    co_return !failed;
  }

  Session& session_;
  Ending ending_ = Ending::chunked;
};

// While a stream waits for something to say nobody would notice that its peer has gone; so a read is always under way.
// What the peer sends is dropped: the connection ends with the stream.
template <class Stream>
Task<void> Session<Stream>::watch() {
  std::array<char, 512> nowhere;
  for (;;) {
    const auto [error, n] = co_await stream_.async_read_some(boost::asio::buffer(nowhere), kToken);
    if (n > 0) linger_ = true;
    if (error || watched_enough_) break;
  }
  watching_ = false;
  peer_gone();
  watch_ended_->cancel();
}

template <class Stream>
void Session<Stream>::peer_gone() {
  peer_gone_ = true;
  if (auto call = std::exchange(on_closing_, nullptr)) call();
}

template <class Stream>
Task<void> Session<Stream>::serve_stream() {
  const auto executor = shard_.io.get_executor();
  close_ = true;
  watch_ended_.emplace(executor, SteadyTimer::time_point::max());
  watching_ = true;
  boost::asio::co_spawn(executor, watch(), LogFailure{"stream"});
  Writer writer(*this);
  std::string failure;
  try {
    auto streaming = stream_answer_(writer);
    co_await std::move(streaming);
  } catch (const std::exception& error) {
    failure = error.what();
  } catch (...) {
    failure = "unknown exception";
  }
  on_closing_ = nullptr;
  if (!failure.empty()) {
    internal_error(failure);
    if (!writer.started && !write_now()) co_await write_rest();
    broken_ = writer.started;  // a stream that breaks off must not look finished
  } else {
    co_await writer.finish();
  }
  broken_ = broken_ || writer.failed || peer_gone_;
  if (watching_) {
    // A read that has something already is not cancelled: it is the last then. What TLS still waits for ends in time.
    watched_enough_ = true;
    boost::system::error_code ignored;
    lowest().cancel(ignored);
    arm(kLingerTime);
    co_await watch_ended_->async_wait(kToken);
    disarm();
  }
  stream_answer_ = nullptr;
  report(writer.bytes);
  admission_.reset();
}

}  // namespace taskledger::http
