#include "http/listener.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detail/socket_option.hpp>
#include <stdexcept>

#include "http/session.h"
#include "http/tls_context.h"

namespace taskledger::http {
namespace {

constexpr int kBacklog = 1024;
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::size_t kMaxTurnedAway = 64;  // told so at a time, for each thread; more are closed at once

using ReusePort = boost::asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

template <class Acceptor>
void listen_on(Acceptor& acceptor, const Listener::Endpoint& at, bool share) {
  try {
    acceptor.open(at.protocol());
    acceptor.set_option(typename Acceptor::reuse_address(true));
    if (share) acceptor.set_option(ReusePort(true));
    acceptor.bind(at);
    acceptor.listen(kBacklog);
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error(
        fmt::format("cannot listen on {}:{}: {}", at.address().to_string(), at.port(), error.code().message()));
  }
}

}  // namespace

void Listener::check_free(const Endpoint& at) {
  boost::asio::io_context io;
  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor> probe(io);
  listen_on(probe, at, false);
}

Listener::Listener(IoShard& shard, const Endpoint& at, const TlsContext* tls)
    : shard_(shard), tls_(tls), acceptor_(shard.io), pause_(shard.io) {
  listen_on(acceptor_, at, true);
  port_ = acceptor_.local_endpoint().port();
}

void Listener::start() { boost::asio::co_spawn(shard_.io.get_executor(), accept_all(), LogFailure{"listener"}); }

void Listener::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

Task<void> Listener::accept_all() {
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(kToken);
    if (!acceptor_.is_open()) break;
    if (error) {
      co_await back_off(error);
      continue;
    }
    failures_ = 0;
    take(std::move(socket));
  }
}

// Out of descriptors, mostly: accepting again at once would spin until some connection ends.
Task<void> Listener::back_off(const boost::system::error_code& error) {
  if (error == boost::asio::error::connection_aborted || error == boost::asio::error::operation_aborted) co_return;
  if (failures_++ % 100 == 0) spdlog::warn("accepting connections: {}", error.message());
  pause_.expires_after(kAcceptPause);
  co_await pause_.async_wait(kToken);
}

void Listener::take(Socket socket) {
  if (shard_.connections.fetch_add(1) >= shard_.options.max_connections) {
    --shard_.connections;
    if (tls_ || shard_.turned_away >= kMaxTurnedAway) return;  // a handshake only to say no is not worth its cost
    ++shard_.turned_away;
    start_plain_session(shard_, std::move(socket), Admit::turn_away);
  } else if (tls_) {
    start_tls_session(shard_, std::move(socket), tls_->current());
  } else {
    start_plain_session(shard_, std::move(socket), Admit::yes);
  }
}

}  // namespace taskledger::http
