// What the connections of one io thread share. It belongs to that thread, but for the first four references, which all
// io threads share: `options` does not change, `service` may be called from any thread, `connections` and `received`
// are atomic counts. Others come in by posting to `io`.
#pragma once

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>

#include "http/body_budget.h"
#include "http/deadlines.h"
#include "http/server.h"
#include "http/write_turn.h"

namespace taskledger::http {

// The concrete executor instead of any_io_executor: no type erasure on the way of each read and write.
using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
using SteadyTimer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                      boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
// co_await x(…, kToken) gives [error, value] and does not throw.
inline constexpr auto kToken = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>{});

struct IoShard {
  IoShard(const ServerOptions& opts, Service& serv, std::atomic<std::size_t>& count, ReceiveBudgets& budgets,
          RequestLoad::Slot& slot)
      : options(opts), service(serv), connections(count), received(budgets), load(slot) {}

  const ServerOptions& options;
  Service& service;
  std::atomic<std::size_t>& connections;  // of all threads
  ReceiveBudgets& received;               // of all threads
  RequestLoad::Slot& load;                // of this thread
  Deadlines deadlines;                    // outlives `io`, whose destruction ends what is left of the connections
  std::string date_line;                  // renewed with each sweep
  WriteTurn writes;
  std::size_t turned_away = 0;  // connections over the limit that are being told so
  bool stopping = false;
  boost::asio::io_context io{1};  // one thread runs it: no locking inside
};

// The completion handler of every coroutine that is spawned: an exception that escapes is a bug, and is logged.
struct LogFailure {
  std::string_view what;
  void operator()(std::exception_ptr failure) const;
};
void log_failure(std::string_view what, const std::exception_ptr& failure);

}  // namespace taskledger::http
