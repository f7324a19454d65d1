#include "reactors/connect.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace taskledger::reactors {

namespace asio = boost::asio;

asio::awaitable<boost::system::error_code> connect_to_any(boost::beast::tcp_stream& stream,
                                                          std::vector<asio::ip::tcp::endpoint> to,
                                                          std::chrono::steady_clock::time_point deadline) {
  boost::system::error_code failed;
  for (std::size_t i = 0; i < to.size(); ++i) {
    stream.close();  // of the one before
    const auto now = std::chrono::steady_clock::now();
    stream.expires_at(now + (deadline - now) / static_cast<std::int64_t>(to.size() - i));
    const auto [error] = co_await stream.async_connect(to[i], asio::as_tuple(asio::use_awaitable));
    failed = error;
    if (!failed) break;
  }
  stream.expires_at(deadline);
  co_return failed;
}

}  // namespace taskledger::reactors
