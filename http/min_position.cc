#include "http/min_position.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "http/parameters.h"

namespace taskledger::http {

namespace asio = boost::asio;

std::optional<WorkspacePosition> min_position_of(const RequestHead& head) {
  const auto number = parse_count(head.min_position);
  if (!number) return std::nullopt;
  return WorkspacePosition{*number};
}

Task<bool> wait_for_position(projections::Runner& models, WorkspaceNumber workspace, WorkspacePosition position) {
  using Executor = asio::io_context::executor_type;
  using Timer =
      asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
  const Executor executor = co_await asio::this_coro::executor;
  // Shared with the callback, which may come when this coroutine has gone on.
  auto timer = std::make_shared<Timer>(executor);
  timer->expires_after(kMaxPositionWait);
  // Posted even from this thread: the wait below has then begun when it is cancelled.
  const auto id = models.when_workspace_passed(
      workspace, position, [timer, executor] { asio::post(executor, [timer] { timer->cancel(); }); });
  boost::system::error_code cancelled;
  constexpr asio::use_awaitable_t<Executor> token{};
  co_await timer->async_wait(asio::redirect_error(token, cancelled));
  models.cancel_wait(id);
  co_return models.position(workspace) >= position;
}

}  // namespace taskledger::http
