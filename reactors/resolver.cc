#include <netdb.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <mutex>
#include <unordered_map>

#include "reactors/http_client.h"

namespace taskledger::reactors {
namespace {

namespace asio = boost::asio;
using asio::ip::address;

Resolver::Answer look_up(const std::string& host) {
  Resolver::Answer answer;
  addrinfo hints{}, *list = nullptr;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0) {
    answer.error = std::string("cannot look up the host: ") + gai_strerror(error);
    return answer;
  }
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family == AF_INET) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(entry->ai_addr);
      answer.addresses.emplace_back(asio::ip::address_v4(ntohl(in->sin_addr.s_addr)));
    } else if (entry->ai_family == AF_INET6) {
      const auto* in = reinterpret_cast<const sockaddr_in6*>(entry->ai_addr);
      asio::ip::address_v6::bytes_type bytes;
      std::copy_n(in->sin6_addr.s6_addr, bytes.size(), bytes.begin());
      answer.addresses.emplace_back(asio::ip::address_v6(bytes, in->sin6_scope_id));
    }
  }
  freeaddrinfo(list);
  if (answer.addresses.empty()) answer.error = "the host has no address";
  return answer;
}

std::optional<Resolver::Answer> as_literal(const std::string& host) {
  boost::system::error_code error;
  const address literal = asio::ip::make_address(host, error);
  if (error) return std::nullopt;
  return Resolver::Answer{{literal}, {}};
}

}  // namespace

// Look-ups under way, by name: those who ask for a name that is being looked up share the answer.
struct Resolver::Impl : std::enable_shared_from_this<Impl> {
  using Waiter = std::function<void(const Answer&)>;

  explicit Impl(unsigned threads) : pool(threads) {}

  // Calls `waiter` on a thread of the pool.
  void ask(const std::string& host, Waiter waiter) {
    {
      const std::lock_guard lock(mutex);
      auto& waiters = under_way[host];
      waiters.push_back(std::move(waiter));
      if (waiters.size() > 1) return;
    }
    asio::post(pool, [self = shared_from_this(), host] {
      const Answer answer = look_up(host);
      std::vector<Waiter> waiters;
      {
        const std::lock_guard lock(self->mutex);
        waiters = std::move(self->under_way[host]);
        self->under_way.erase(host);
      }
      for (const Waiter& waiter : waiters) waiter(answer);
    });
  }

  std::mutex mutex;
  std::unordered_map<std::string, std::vector<Waiter>> under_way;
  asio::thread_pool pool;
};

Resolver::Resolver(unsigned threads) : impl_(std::make_shared<Impl>(threads)) {}
Resolver::~Resolver() {
  impl_->pool.stop();
  impl_->pool.join();
}

asio::awaitable<Resolver::Answer> Resolver::resolve(std::string host, std::chrono::milliseconds timeout) {
  if (auto literal = as_literal(host)) co_return *literal;
  // Shared with the look-up, which may end after the wait has.
  struct Wait {
    explicit Wait(asio::any_io_executor executor) : timer(executor) {}
    asio::steady_timer timer;
    std::optional<Answer> answer;
  };
  auto executor = co_await asio::this_coro::executor;
  auto wait = std::make_shared<Wait>(executor);
  wait->timer.expires_after(timeout);
  Impl::Waiter waiter = [weak = std::weak_ptr<Wait>(wait), executor](const Answer& answer) {
    asio::post(executor, [weak, answer] {
      if (auto waiting = weak.lock()) {
        waiting->answer = answer;
        waiting->timer.cancel();
      }
    });
  };
  impl_->ask(host, std::move(waiter));
  co_await wait->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (wait->answer) co_return *wait->answer;
  co_return Answer{{}, "looking up the host took too long"};
}

Resolver::Answer Resolver::resolve_now(const std::string& host, std::chrono::milliseconds timeout) {
  if (auto literal = as_literal(host)) return *literal;
  auto promise = std::make_shared<std::promise<Answer>>();
  auto future = promise->get_future();
  impl_->ask(host, [promise](const Answer& answer) { promise->set_value(answer); });
  if (future.wait_for(timeout) != std::future_status::ready) return {{}, "looking up the host took too long"};
  return future.get();
}

}  // namespace taskledger::reactors
