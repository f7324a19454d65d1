#include "http/server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <stdexcept>
#include <thread>

#include "core/named_thread.h"
#include "http/io_shard.h"
#include "http/listener.h"
#include "http/reply_head.h"
#include "http/tls_context.h"

namespace taskledger::http {

namespace {

// How long after abandoning its connections a stopping thread still waits for them to end.
constexpr std::chrono::milliseconds kAbandonTime{1'000};

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

boost::asio::ip::tcp::endpoint endpoint_of(const ServerOptions& options) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(options.address, error);
  if (error) throw std::runtime_error(fmt::format("cannot listen on '{}': not an IP address", options.address));
  return {address, options.port};
}

// One io thread and what runs on it.
class IoThread {
 public:
  IoThread(const ServerOptions& options, Service& service, std::atomic<std::size_t>& connections,
           ReceiveBudgets& received, RequestLoad::Slot& load, const boost::asio::ip::tcp::endpoint& at,
           const TlsContext* tls)
      : shard_(options, service, connections, received, load), listener_(shard_, at, tls), sweeper_(shard_.io) {}

  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

  void start() {
    tick();
    boost::asio::co_spawn(shard_.io.get_executor(), sweep(), LogFailure{"sweeper"});
    listener_.start();
    thread_ = named_thread("io", [this] { run(); });
  }
  void begin_stop() {
    boost::asio::post(shard_.io, [this] {
      shard_.stopping = true;
      stop_at_ = steady_ms() + shard_.options.drain_timeout.count();
      listener_.close();
      shard_.deadlines.begin_stop();
      sweeper_.cancel();  // to look at once whether anything is left
    });
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    for (;;) {
      try {
        run_until_stopped();
        return;
      } catch (...) {  // thrown by a handler that someone posted: the loop is intact
        log_failure("io thread", std::current_exception());
      }
    }
  }

  // As io_context::run(), but it is told when there is nothing to do.
  void run_until_stopped() {
    while (!shard_.io.stopped()) {
      shard_.io.poll();
      shard_.load.waits();
      shard_.io.run_one();
      shard_.load.works();
    }
    shard_.load.waits();  // for good
  }

  void tick() {
    if (shard_.options.clock) shard_.date_line = http::date_line(shard_.options.clock());
    shard_.deadlines.sweep(steady_ms());
  }

  Task<void> sweep() {
    while (!(shard_.stopping && shard_.deadlines.empty())) {
      sweeper_.expires_after(shard_.stopping ? kSweep / 10 : kSweep);
      co_await sweeper_.async_wait(kToken);
      tick();
      if (!shard_.stopping) continue;
      const std::int64_t late = steady_ms() - stop_at_;
      if (late >= 0) shard_.deadlines.abandon();
      if (late >= kAbandonTime.count()) {
        spdlog::warn("stopping: some requests did not end in time");
        break;
      }
    }
    // Whatever still waits (a service's coroutine) is ended with the io_context.
    shard_.io.stop();
  }

  IoShard shard_;
  Listener listener_;
  SteadyTimer sweeper_;
  std::int64_t stop_at_ = 0;
  std::thread thread_;
};

}  // namespace

struct Server::Impl {
  Impl(ServerOptions opts, Service& serv) : options(std::move(opts)), service(serv), received(options.max_body_bytes) {}
  ServerOptions options;
  Service& service;
  std::unique_ptr<TlsContext> tls;
  std::atomic<std::size_t> connections{0};
  ReceiveBudgets received;
  std::vector<std::unique_ptr<IoThread>> threads;
  bool started = false, stopped = false;
};

Server::Server(ServerOptions options, Service& service) : impl_(std::make_unique<Impl>(std::move(options), service)) {
  Impl& impl = *impl_;
  if (impl.options.tls_certificate.empty() != impl.options.tls_key.empty())
    throw std::runtime_error("TLS needs both a certificate and a key");
  if (!impl.options.tls_certificate.empty())
    impl.tls = std::make_unique<TlsContext>(impl.options.tls_certificate, impl.options.tls_key);
  if (impl.options.threads == 0) impl.options.threads = std::max(1u, std::thread::hardware_concurrency());
  if (!impl.options.load) impl.options.load = std::make_shared<RequestLoad>(impl.options.threads);
  auto at = endpoint_of(impl.options);
  if (at.port() != 0) Listener::check_free(at);
  for (unsigned i = 0; i < impl.options.threads; ++i) {
    impl.threads.push_back(std::make_unique<IoThread>(impl.options, impl.service, impl.connections, impl.received,
                                                      impl.options.load->slot(i), at, impl.tls.get()));
    at.port(impl.threads.front()->port());
  }
}

Server::~Server() { stop(); }

void Server::start() {
  if (std::exchange(impl_->started, true)) return;
  for (auto& thread : impl_->threads) thread->start();
}

void Server::stop() {
  if (!impl_->started || std::exchange(impl_->stopped, true)) return;
  for (auto& thread : impl_->threads) thread->begin_stop();
  for (auto& thread : impl_->threads) thread->join();
}

std::uint16_t Server::port() const { return impl_->threads.front()->port(); }

std::size_t Server::connections() const { return impl_->connections; }
std::size_t Server::body_bytes() const { return impl_->received.taken(); }

void Server::reload_tls() {
  if (!impl_->tls) return;
  try {
    impl_->tls->reload();
    spdlog::info("TLS certificate and key read anew");
  } catch (const std::runtime_error& error) {
    spdlog::error("{}; the earlier ones stay in use", error.what());
  }
}

}  // namespace taskledger::http
