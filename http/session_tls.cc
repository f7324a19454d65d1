// start_tls_session, declared in http/session.h: sessions over TLS, which begin with a handshake.
#include <boost/asio/ssl.hpp>

#include "http/session_impl.h"

namespace taskledger::http {
namespace {

using TlsStream = boost::asio::ssl::stream<Socket>;

Task<void> serve(IoShard& shard, Socket socket, std::shared_ptr<boost::asio::ssl::context> context) {
  Session<TlsStream> session(shard, TlsStream(std::move(socket), *context), Admit::yes);
  co_await session.run();
}

}  // namespace

template <>
Task<bool> Session<TlsStream>::handshake() {
  arm(shard_.options.header_timeout);
  const auto [error] = co_await stream_.async_handshake(TlsStream::server, kToken);
  disarm();
  co_return !error && !expired_;
}

void start_tls_session(IoShard& shard, Socket socket, std::shared_ptr<boost::asio::ssl::context> context) {
  boost::asio::co_spawn(shard.io.get_executor(), serve(shard, std::move(socket), std::move(context)),
                        LogFailure{"connection"});
}

}  // namespace taskledger::http
