// From callbacks of other threads back into a coroutine: co_await resume_here<T>(initiate) calls initiate(done), and
// goes on, on the coroutine's own io_context, with the value that `done` was called with. What resume_here() returns
// calls nothing until it is awaited: who hands it on captures by value.
//
//   auto initiate = [&](std::function<void(Outcome)> done) { handler.execute(command, std::move(done)); };
//   const Outcome outcome = co_await resume_here<Outcome>(std::move(initiate));
//
// `done` may be called on any thread, within initiate too, exactly once (copies share that once; later calls do
// nothing). While it is outstanding the io_context does not run out of work. It must be called, or dropped, before the
// io_context is destroyed. Never write the lambda in place: GCC 12 destroys capturing lambdas written inside a co_await
// expression twice. Name it first, as above.
#pragma once

#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "http/service.h"

namespace taskledger::http {
namespace detail {

// Shared by the copies of `done`: std::function must be copyable and a coroutine's handler is not.
template <class T, class Handler>
struct Resumption {
  using Executor = boost::asio::associated_executor_t<Handler>;
  explicit Resumption(Handler&& from) : handler(std::move(from)), work(boost::asio::get_associated_executor(handler)) {}

  void resume(T value) {
    if (done.exchange(true)) return;
    const auto executor = work.get_executor();
    boost::asio::post(executor, [handler = std::move(handler), value = std::move(value)]() mutable {
      std::move(handler)(std::move(value));
    });
    work.reset();
  }

  Handler handler;
  boost::asio::executor_work_guard<Executor> work;
  std::atomic<bool> done{false};
};

}  // namespace detail

template <class T, class Initiate>
[[nodiscard]] Task<T> resume_here(Initiate initiate) {
  constexpr boost::asio::use_awaitable_t<boost::asio::io_context::executor_type> token{};
  auto begin = [](auto handler, Initiate call) {
    using State = detail::Resumption<T, std::decay_t<decltype(handler)>>;
    auto state = std::make_shared<State>(std::move(handler));
    call([state = std::move(state)](T value) { state->resume(std::move(value)); });
  };
  return boost::asio::async_initiate<const decltype(token), void(T)>(std::move(begin), token, std::move(initiate));
}

}  // namespace taskledger::http
