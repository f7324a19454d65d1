// One listening socket of one io thread; several share a port (SO_REUSEPORT), so that the kernel spreads connections.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "http/io_shard.h"

namespace taskledger::http {

class TlsContext;

class Listener {
 public:
  using Endpoint = boost::asio::ip::tcp::endpoint;
  // Binds and listens; throws std::runtime_error. `tls` may be null; both outlive the listener.
  Listener(IoShard& shard, const Endpoint& at, const TlsContext* tls);
  // Throws std::runtime_error when some process listens there already: with SO_REUSEPORT the kernel would let a second
  // server of the same user in, and give each a part of the connections.
  static void check_free(const Endpoint& at);
  [[nodiscard]] std::uint16_t port() const { return port_; }
  void start();  // before the shard's thread runs
  void close();  // on the shard's thread

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor>;
  Task<void> accept_all();
  Task<void> back_off(const boost::system::error_code& error);
  void take(Socket socket);

  IoShard& shard_;
  const TlsContext* tls_;
  Acceptor acceptor_;
  SteadyTimer pause_;
  std::uint16_t port_ = 0;
  std::uint64_t failures_ = 0;  // in a row
};

}  // namespace taskledger::http
