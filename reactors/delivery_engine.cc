#include "reactors/delivery_engine.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "core/named_thread.h"
#include "reactors/exception_text.h"

namespace taskledger::reactors {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kTick{1};  // idle connections are closed, and a wake that was missed is made up
constexpr std::chrono::seconds kDrain{2};
constexpr std::chrono::milliseconds kDrainStep{10};
constexpr std::chrono::seconds kJobTimeout{10};

}  // namespace

struct DeliveryEngine::Impl {
  Impl(EngineParts given, const WebhookSettings& options)
      : parts(std::move(given)),
        settings(options),
        trust(options.extra_ca_file),
        gate(io, options.connections),
        idle(gate),
        tick(io) {}

  EndpointParts endpoint_parts() {
    return {io,    parts.log, parts.store, parts.registry, settings,     parts.secrets, parts.resolver,
            trust, gate,      idle,        parts.clock,    parts.random, erasures};
  }

  void on_wake() {
    waking = false;
    if (stopping) return;
    synchronize();
    for (auto& [id, endpoint] : endpoints) endpoint->pump();
  }

  // Makes the endpoints what the registry says.
  void synchronize() {
    if (auto done = parts.registry.catch_up(); !done) {
      spdlog::error("webhooks: {}", done.error().what);
      return;
    }
    const std::uint64_t revision = parts.registry.revision();
    if (revision == seen_revision) return;
    std::map<WebhookId, WebhookPtr> wanted;
    for (WebhookPtr& webhook : parts.registry.all()) wanted.emplace(webhook->id, std::move(webhook));
    for (auto at = endpoints.begin(); at != endpoints.end();) {
      if (wanted.contains(at->first)) {
        ++at;
      } else {
        remove(at->first);
        at->second->close();
        at = endpoints.erase(at);
      }
    }
    for (auto& [id, webhook] : wanted) {
      auto endpoint = endpoints.find(id);
      if (endpoint == endpoints.end()) {
        auto made = std::make_shared<Endpoint>(endpoint_parts(), webhook);
        made->open();
        endpoint = endpoints.emplace(id, std::move(made)).first;
      }
      endpoint->second->update(webhook);
    }
    serving = !endpoints.empty();
    seen_revision = revision;  // last: what throws before is done again
  }

  // The endpoint as the registry has it now; nullptr: there is none.
  std::shared_ptr<Endpoint> synchronized(const WebhookId& id) {
    synchronize();
    const auto endpoint = endpoints.find(id);
    return endpoint == endpoints.end() ? nullptr : endpoint->second;
  }

  void remove(const WebhookId& id) {
    if (auto removed = parts.store.remove_prefix(DeliveryQueue::rows_of(id)); !removed) {
      spdlog::error("webhook {}: {}", to_string(id), removed.error().what);
    }
  }

  // Rows of webhooks that were deleted just before a crash.
  Result<void, storage::ReadError> remove_orphans() {
    auto known = DeliveryQueue::webhooks_with_rows(parts.store);
    if (!known) return known.error();
    for (const WebhookId& id : *known) {
      if (!parts.registry.find(id)) remove(id);
    }
    return {};
  }

  void arm_tick() {
    tick.expires_after(kTick);
    tick.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      arm_tick();
      idle.close_old(settings.idle_connection);
      for (auto& [id, endpoint] : endpoints) endpoint->tick();
      on_wake();
    });
  }

  [[nodiscard]] std::size_t under_way() const {
    std::size_t sum = 0;
    for (const auto& [id, endpoint] : endpoints) sum += endpoint->under_way();
    return sum;
  }

  void run() {
    const auto guard = asio::make_work_guard(io);
    for (;;) {
      try {
        io.run();
        return;
      } catch (...) {  // thrown by one handler: a bug, but the loop is intact, and the next tick makes up for it
        spdlog::error("webhooks: {}", exception_text(std::current_exception()));
      }
    }
  }

  // On the engine's thread.
  void drain(std::chrono::steady_clock::time_point deadline) {
    if (under_way() > 0 && std::chrono::steady_clock::now() < deadline) {
      tick.expires_after(kDrainStep);
      tick.async_wait([this, deadline](const boost::system::error_code&) { drain(deadline); });
      return;
    }
    for (auto& [id, endpoint] : endpoints) {
      endpoint->flush();
      endpoint->close();
    }
    idle.clear();
    io.stop();
  }

  EngineParts parts;
  const WebhookSettings settings;
  TlsTrust trust;
  std::atomic<std::uint64_t> erasures{0};
  std::atomic<bool> waking{false}, serving{false};  // serving: there are endpoints
  bool stopping = false;                            // on the engine's thread
  std::uint64_t seen_revision = 0;
  // Requests that were still under way go with the io_context, and give back their places.
  ConnectionGate gate;
  IdleConnections idle;
  asio::io_context io{1};
  asio::steady_timer tick;
  std::map<WebhookId, std::shared_ptr<Endpoint>> endpoints;
  std::thread thread;
  std::atomic<bool> running{false};
};

DeliveryEngine::DeliveryEngine(EngineParts parts, const WebhookSettings& settings)
    : impl_(std::make_unique<Impl>(std::move(parts), settings)) {}

DeliveryEngine::~DeliveryEngine() { stop(); }

Result<void, storage::ReadError> DeliveryEngine::start() {
  if (auto done = impl_->parts.registry.catch_up(); !done) return done;
  if (auto done = impl_->remove_orphans(); !done) return done;
  impl_->running = true;
  impl_->arm_tick();
  wake();
  impl_->thread = named_thread("webhooks", [impl = impl_.get()] { impl->run(); });
  return {};
}

void DeliveryEngine::stop() {
  if (!impl_->running.exchange(false)) return;
  asio::post(impl_->io, [impl = impl_.get()] {
    impl->stopping = true;
    for (auto& [id, endpoint] : impl->endpoints) endpoint->drain();
    impl->drain(std::chrono::steady_clock::now() + kDrain);
  });
  impl_->thread.join();
  impl_->parts.resolver.close();  // an answer that comes later must not meet an event loop that is gone
}

void DeliveryEngine::wake(std::span<const storage::Record> records) {
  // Where there are no webhooks only records of the system can change anything. Records that slip through while the
  // first one is being made are found by the pumping that follows: they were published before this was called.
  bool matters = impl_->serving;
  for (const storage::Record& record : records) {
    if (record.type == static_cast<std::uint8_t>(EventType::task_erased)) ++impl_->erasures;
    matters = matters || record.workspace == kSystemWorkspace;
  }
  if (matters) wake();
}

void DeliveryEngine::wake() {
  if (!impl_->running || impl_->waking.exchange(true)) return;
  asio::post(impl_->io, [impl = impl_.get()] { impl->on_wake(); });
}

bool DeliveryEngine::run(const WebhookId& id, const std::function<void(Endpoint&)>& job) {
  if (!impl_->running) return false;
  // Shared with a job that comes to its turn after the wait has ended.
  struct State {
    std::promise<bool> done;
    std::atomic<bool> given_up{false};
  };
  auto state = std::make_shared<State>();
  auto future = state->done.get_future();
  asio::post(impl_->io, [impl = impl_.get(), state, id, &job] {
    if (state->given_up.exchange(true)) return;
    std::shared_ptr<Endpoint> endpoint;
    try {
      if (!impl->stopping) endpoint = impl->synchronized(id);
      if (endpoint) job(*endpoint);
    } catch (...) {
      if (endpoint) endpoint->fail({exception_text(std::current_exception())});
      return state->done.set_exception(std::current_exception());
    }
    state->done.set_value(endpoint != nullptr);
  });
  if (future.wait_for(kJobTimeout) != std::future_status::ready && !state->given_up.exchange(true)) return false;
  return future.get();
}

}  // namespace taskledger::reactors
