// Resolver, declared in reactors/http_client.h: look-ups of names on threads of their own; who asks for a name that is
// being looked up already waits for the same answer.
#include <netdb.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <unordered_map>

#include "core/named_thread.h"
#include "reactors/exception_text.h"
#include "reactors/http_client.h"

namespace taskledger::reactors {
namespace {

namespace asio = boost::asio;
using asio::ip::address;

constexpr std::size_t kMaxWaiting = 1'000;  // names for a thread

Resolver::Answer ask_system(const std::string& host) {
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

  Impl(LookUp how, unsigned threads) : look_up(std::move(how)), max_threads(threads) {}

  // Calls `waiter`, which does not block, on some thread.
  void ask(const std::string& host, Waiter waiter) {
    const std::lock_guard lock(mutex);
    if (closed) return waiter(stopping());
    if (queue.size() >= kMaxWaiting && !under_way.contains(host))
      return waiter({{}, "too many names are being looked up", true});
    auto& waiters = under_way[host];
    waiters.push_back(std::move(waiter));
    if (waiters.size() > 1) return;
    queue.push_back(host);
    if (threads == max_threads) return;
    try {
      // Detached: a look-up that hangs must not hold up who stops the server, and holds on to this.
      named_thread("resolver", [self = shared_from_this()] { self->run(); }).detach();
      ++threads;
    } catch (const std::system_error& error) {  // out of threads: one that runs takes it, or nobody does
      if (threads > 0) return;
      queue.clear();
      answer(host, {{}, std::string("cannot look up the host: ") + error.what()});
    }
  }

  void run() {
    std::unique_lock lock(mutex);
    while (!queue.empty()) {
      const std::string host = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      const Answer found = looked_up(host);
      lock.lock();
      answer(host, found);
    }
    --threads;
  }

  Answer looked_up(const std::string& host) const {
    try {
      return look_up(host);
    } catch (...) {
      return {{}, "cannot look up the host: " + exception_text(std::current_exception())};
    }
  }

  // With the lock held, so that nobody is answered after close().
  void answer(const std::string& host, const Answer& found) {
    const auto waiting = under_way.extract(host);
    if (waiting.empty()) return;
    for (const Waiter& waiter : waiting.mapped()) waiter(found);
  }

  void close() {
    const std::lock_guard lock(mutex);
    closed = true;
    queue.clear();
    while (!under_way.empty()) answer(std::string(under_way.begin()->first), stopping());
  }

  static Answer stopping() { return {{}, "the server is stopping"}; }

  const LookUp look_up;
  const unsigned max_threads;
  std::mutex mutex;
  std::unordered_map<std::string, std::vector<Waiter>> under_way;
  std::deque<std::string> queue;  // of those, what no thread has taken yet
  unsigned threads = 0;
  bool closed = false;
};

Resolver::Resolver(unsigned threads) : Resolver(ask_system, threads) {}
Resolver::Resolver(LookUp look_up, unsigned threads) : impl_(std::make_shared<Impl>(std::move(look_up), threads)) {}
Resolver::~Resolver() { close(); }
void Resolver::close() { impl_->close(); }

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

void Resolver::look_up(const std::string& host, std::function<void(const Answer&)> done) {
  if (const auto literal = as_literal(host)) return done(*literal);
  impl_->ask(host, std::move(done));
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
