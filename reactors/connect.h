// Connecting to a host that has several addresses.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <chrono>
#include <vector>

namespace taskledger::reactors {

// To the first of `to` (at least one) that answers, one after the other: each has an equal share of the time that is
// left then, so that one which keeps silent leaves some to the next. The error is that of the last one. Afterwards the
// stream expires at `deadline`. Runs on the stream's thread; the stream outlives it.
[[nodiscard]] boost::asio::awaitable<boost::system::error_code> connect_to_any(
    boost::beast::tcp_stream& stream, std::vector<boost::asio::ip::tcp::endpoint> to,
    std::chrono::steady_clock::time_point deadline);

}  // namespace taskledger::reactors
