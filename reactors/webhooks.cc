#include "reactors/webhooks.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <stdexcept>

#include "reactors/address_policy.h"
#include "reactors/delivery_engine.h"
#include "reactors/url.h"
#include "storage/append_and_wait.h"

namespace taskledger::reactors {
namespace {

using Kind = WebhookFailure::Kind;

constexpr int kMaxConflicts = 8;
// Of registrations, who do not wait for each other's names long: deliveries have a resolver of their own.
constexpr unsigned kLookUpThreads = 16;

WebhookFailure not_found() { return {Kind::not_found, "Webhook not found"}; }
WebhookFailure unavailable(std::string what) { return {Kind::unavailable, std::move(what)}; }

WebhookFailure failure_of(storage::AppendError error) {
  if (error == storage::AppendError::queue_full || error == storage::AppendError::conflict) {
    return {Kind::busy, "The server is busy, try again"};
  }
  return unavailable("Writes are not possible at the moment");
}

// `pending:17`: the state a page ended in, and after what.
struct PageStart {
  DeliveryState state = DeliveryState::pending;
  std::optional<std::uint64_t> after;
};
std::string to_cursor(DeliveryState state, std::optional<std::uint64_t> after) {
  std::string out(name_of(state));
  if (after) out += '.' + std::to_string(*after);
  return out;
}
std::optional<PageStart> parse_cursor(std::string_view cursor) {
  const std::size_t dot = cursor.find('.');
  const auto state = parse_delivery_state(cursor.substr(0, dot));
  if (!state) return std::nullopt;
  if (dot == cursor.npos) return PageStart{*state, std::nullopt};
  cursor.remove_prefix(dot + 1);
  std::uint64_t after = 0;
  const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), after);
  if (error != std::errc() || end != cursor.data() + cursor.size() || after == UINT64_MAX) return std::nullopt;
  return PageStart{*state, after};
}

std::optional<DeliveryState> state_after(DeliveryState state) {
  switch (state) {
    case DeliveryState::pending:
      return DeliveryState::parked;
    case DeliveryState::parked:
      return DeliveryState::done;
    case DeliveryState::done:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

void throw_exception_from_error(const WebhookFailure& failure, const boost::source_location&) {
  throw std::logic_error("unchecked result: " + failure.message);
}

struct Webhooks::Impl {
  Impl(WebhookParts given, WebhookSettings options)
      : parts(std::move(given)),
        settings(std::move(options)),
        secrets(parts.server_key),
        registry(parts.log),
        registrations(parts.look_up ? std::make_unique<Resolver>(parts.look_up, kLookUpThreads)
                                    : std::make_unique<Resolver>(kLookUpThreads)),
        engine({parts.log, parts.store, registry, secrets, resolver, parts.clock, parts.random}, settings) {
    link->engine = &engine;
    parts.log.observe([link = link](std::span<const storage::Record> records) {
      const std::lock_guard lock(link->mutex);
      if (link->engine != nullptr) link->engine->wake(records);
    });
  }
  ~Impl() {
    const std::lock_guard lock(link->mutex);
    link->engine = nullptr;
  }

  // The log keeps its observers for good: it holds this, which lets go of the engine when that is destroyed.
  struct Link {
    std::mutex mutex;
    DeliveryEngine* engine = nullptr;
  };

  WebhookParts parts;
  WebhookSettings settings;
  SecretBox secrets;
  Registry registry;
  std::atomic<bool> looking_up{true};
  std::unique_ptr<Resolver> registrations;  // names of check_address()
  Resolver resolver;                        // of deliveries
  DeliveryEngine engine;
  std::mutex creating;  // from counting a workspace's webhooks to having one more
  std::shared_ptr<Link> link = std::make_shared<Link>();

  // Whether the workspace may have one more.
  Answer<void> has_room(const WebhookCaller& caller) {
    if (auto done = registry.catch_up(); !done) return unavailable("The log cannot be read");
    const auto known = registry.all();
    const auto own = std::count_if(known.begin(), known.end(),
                                   [&](const WebhookPtr& webhook) { return webhook->workspace == caller.workspace; });
    if (own < static_cast<std::ptrdiff_t>(settings.max_webhooks)) return {};
    return WebhookFailure{Kind::conflict,
                          "A workspace can have at most " + std::to_string(settings.max_webhooks) + " webhooks"};
  }

  // The webhook as the log has it now; another workspace's does not exist.
  Answer<WebhookPtr> find(const WebhookCaller& caller, const WebhookId& id) {
    if (auto done = registry.catch_up(); !done) return unavailable("The log cannot be read");
    WebhookPtr webhook = registry.find(id);
    if (!webhook || webhook->workspace != caller.workspace) return not_found();
    return webhook;
  }

  Result<storage::Appended, storage::AppendError> append(const WebhookCaller& caller, const WebhookId& id,
                                                         Version expected, const WebhookEvent& event) {
    storage::Commit commit;
    commit.workspace = kSystemWorkspace;
    commit.actor = caller.user;
    commit.expected.push_back({id.value, expected});
    commit.records.push_back({.stream = id.value,
                              .type = storage::kSystemRecord,
                              .payload = webhook_payload(event),
                              .time = {},
                              .id = {},
                              .trace = {}});
    return storage::append_and_wait(parts.log, std::move(commit));
  }

  // Load, decide, append; on a conflict, again. `decide` gives monostate where the state is already so, or a failure.
  template <class Decide>
  Answer<void> change(const WebhookCaller& caller, const WebhookId& id, Decide decide) {
    for (int attempt = 0; attempt < kMaxConflicts; ++attempt) {
      const auto webhook = find(caller, id);
      if (!webhook) return webhook.error();
      const Answer<WebhookEvent> event = decide(**webhook);
      if (!event) return event.error();
      if (std::holds_alternative<std::monostate>(*event)) return {};
      const auto appended = append(caller, id, (*webhook)->version, *event);
      if (appended) {
        if (auto done = registry.catch_up(); !done) return unavailable("The log cannot be read");
        engine.wake();
        return {};
      }
      if (appended.error() != storage::AppendError::conflict) return failure_of(appended.error());
    }
    return failure_of(storage::AppendError::conflict);
  }

  // When a rotation drops no secret that still signs; nullopt: now. One that cannot be read does not sign.
  [[nodiscard]] std::optional<Timestamp> next_rotation(const Webhook& webhook) const {
    if (webhook.secrets.size() < kMaxSecrets) return std::nullopt;
    const SigningSecret& oldest = webhook.secrets.back();
    const Timestamp over{oldest.replaced_at->ms + settings.rotation_overlap.count()};
    if (parts.clock() >= over || !secrets.open(oldest.sealed, webhook.id)) return std::nullopt;
    return over;
  }

  WebhookStatus status_of(const Webhook& webhook) {
    WebhookStatus status{.id = webhook.id,
                         .url = webhook.url,
                         .types = webhook.types,
                         .paused = webhook.paused,
                         .problem = webhook.pause_reason,
                         .created_at = webhook.created_at,
                         .cursor = {}};
    engine.run(webhook.id, [&](Endpoint& endpoint) {
      if (status.problem.empty()) status.problem = endpoint.problem();
      DeliveryQueue* queue = endpoint.queue();
      if (queue == nullptr) return;
      status.cursor = queue->cursor();
      status.waiting = queue->waiting();
      status.parked = queue->parked();
    });
    const std::uint64_t head = parts.log.workspace_head(webhook.workspace).position.value;
    status.lag = head - std::min(head, status.cursor.value);
    return status;
  }

  // Runs `job` with the caller's webhook while that has a queue. A ReadError is a failure, of the endpoint too.
  template <class T, class Job>
  Answer<T> on_queue(const WebhookCaller& caller, const WebhookId& id, Job job) {
    const auto webhook = find(caller, id);
    if (!webhook) return webhook.error();
    std::optional<T> out;
    const bool ran = engine.run(id, [&](Endpoint& endpoint) {
      if (endpoint.queue() == nullptr) return;
      Result<T, storage::ReadError> done = job(endpoint);
      if (!done) return endpoint.fail(done.error());
      out = *std::move(done);
    });
    if (!ran || !out) return unavailable("Deliveries are not possible at the moment");
    return *std::move(out);
  }
};

Webhooks::Webhooks(WebhookParts parts, WebhookSettings settings)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(settings))) {}
Webhooks::~Webhooks() { stop(); }

Result<void, storage::ReadError> Webhooks::start() { return impl_->engine.start(); }
void Webhooks::stop() {
  stop_looking_up();
  impl_->engine.stop();
}

WebhookFigures Webhooks::figures() {
  WebhookFigures figures;
  for (const WebhookPtr& webhook : impl_->registry.all()) {
    const WebhookStatus status = impl_->status_of(*webhook);
    ++(status.paused ? figures.paused : status.problem.empty() ? figures.active : figures.failing);
    figures.waiting += status.waiting;
    figures.parked += status.parked;
    figures.lag = std::max(figures.lag, status.lag);
  }
  return figures;
}

Webhooks::Answer<void> Webhooks::may_create(const WebhookCaller& caller, const WebhookRequest& request) {
  if (const auto url = parse_url(request.url); !url) return WebhookFailure{Kind::invalid, url.error().message};
  return impl_->has_room(caller);
}

void Webhooks::check_address(const WebhookRequest& request, std::function<void(Answer<void>)> done) {
  const auto url = parse_url(request.url);
  if (!url) return done(WebhookFailure{Kind::invalid, url.error().message});
  if (impl_->settings.allow_private) return done({});
  const WebhookFailure refused{Kind::invalid, "Field 'url' must not lead to a private, loopback or link-local address"};
  if (is_local_name(url->host)) return done(refused);
  impl_->registrations->look_up(url->host, [impl = impl_.get(), done, refused](const Resolver::Answer& answer) {
    if (!impl->looking_up) return done(unavailable("The server is stopping"));
    if (answer.turned_away) return done(WebhookFailure{Kind::busy, "Too many names are being looked up"});
    const auto& found = answer.addresses;
    done(std::all_of(found.begin(), found.end(), is_public) ? Answer<void>() : refused);
  });
}

void Webhooks::stop_looking_up() {
  impl_->looking_up = false;
  impl_->registrations->close();
}

Webhooks::Answer<RegisteredWebhook> Webhooks::create(const WebhookCaller& caller, const WebhookRequest& request) {
  if (const auto url = parse_url(request.url); !url) return WebhookFailure{Kind::invalid, url.error().message};
  const std::lock_guard alone(impl_->creating);
  if (auto room = impl_->has_room(caller); !room) return room.error();
  RegisteredWebhook webhook;
  std::array<std::uint8_t, 10> random{};
  impl_->parts.random(random);
  webhook.id = {uuid_v7(impl_->parts.clock().ms, random)};
  webhook.secret = make_secret(impl_->parts.random);
  const WebhookCreated event{.workspace = caller.workspace,
                             .workspace_id = caller.workspace_id,
                             .url = request.url,
                             .types = request.types,
                             .sealed_secret = impl_->secrets.seal(webhook.secret, webhook.id, impl_->parts.random),
                             .after = impl_->parts.log.workspace_head(caller.workspace).position};
  const auto appended = impl_->append(caller, webhook.id, {0}, event);
  if (!appended) return failure_of(appended.error());
  if (auto done = impl_->registry.catch_up(); !done) return unavailable("The log cannot be read");
  impl_->engine.wake();
  return webhook;
}

Webhooks::Answer<std::vector<WebhookStatus>> Webhooks::list(const WebhookCaller& caller) {
  if (auto done = impl_->registry.catch_up(); !done) return unavailable("The log cannot be read");
  std::vector<WebhookStatus> out;
  for (const WebhookPtr& webhook : impl_->registry.all()) {
    if (webhook->workspace == caller.workspace) out.push_back(impl_->status_of(*webhook));
  }
  std::sort(out.begin(), out.end(), [](const WebhookStatus& a, const WebhookStatus& b) {
    return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id);
  });
  return out;
}

Webhooks::Answer<WebhookStatus> Webhooks::get(const WebhookCaller& caller, const WebhookId& id) {
  const auto webhook = impl_->find(caller, id);
  if (!webhook) return webhook.error();
  return impl_->status_of(**webhook);
}

Webhooks::Answer<void> Webhooks::remove(const WebhookCaller& caller, const WebhookId& id) {
  return impl_->change(caller, id, [](const Webhook&) { return WebhookEvent(WebhookDeleted{}); });
}

Webhooks::Answer<void> Webhooks::pause(const WebhookCaller& caller, const WebhookId& id) {
  return impl_->change(caller, id, [](const Webhook& webhook) {
    return webhook.paused ? WebhookEvent() : WebhookEvent(WebhookPaused{});
  });
}

Webhooks::Answer<void> Webhooks::resume(const WebhookCaller& caller, const WebhookId& id) {
  return impl_->change(caller, id, [](const Webhook& webhook) {
    return webhook.paused ? WebhookEvent(WebhookResumed{}) : WebhookEvent();
  });
}

Webhooks::Answer<std::string> Webhooks::rotate_secret(const WebhookCaller& caller, const WebhookId& id) {
  std::string secret = make_secret(impl_->parts.random);
  auto done = impl_->change(caller, id, [&](const Webhook& webhook) -> Answer<WebhookEvent> {
    if (const auto possible = impl_->next_rotation(webhook)) {
      return WebhookFailure{Kind::conflict, std::to_string(kMaxSecrets) +
                                                " secrets sign at the moment; another rotation is possible from " +
                                                to_rfc3339(*possible)};
    }
    return WebhookEvent(WebhookSecretRotated{impl_->secrets.seal(secret, id, impl_->parts.random)});
  });
  if (!done) return done.error();
  return secret;
}

Webhooks::Answer<void> Webhooks::replay(const WebhookCaller& caller, const WebhookId& id, WorkspacePosition after) {
  const auto webhook = impl_->find(caller, id);
  if (!webhook) return webhook.error();
  const WorkspacePosition head = impl_->parts.log.workspace_head(caller.workspace).position;
  if (after > head) {
    return WebhookFailure{Kind::invalid,
                          "Field 'after' must be at most the workspace's position, " + std::to_string(head.value)};
  }
  return impl_->change(caller, id, [&](const Webhook&) { return WebhookEvent(WebhookReplayRequested{after}); });
}

Webhooks::Answer<std::string> Webhooks::ping(const WebhookCaller& caller, const WebhookId& id) {
  struct Sent {
    std::optional<std::string> message;
    std::string problem;
  };
  auto sent = impl_->on_queue<Sent>(caller, id, [](Endpoint& endpoint) {
    std::optional<std::string> message = endpoint.ping();
    return Sent{std::move(message), endpoint.problem()};
  });
  if (!sent) return sent.error();
  if (!sent->message) {
    const std::string full = std::to_string(impl_->settings.in_flight) + " pings are on their way already";
    return WebhookFailure{Kind::conflict, "Nothing can be sent: " + (sent->problem.empty() ? full : sent->problem)};
  }
  return *std::move(sent->message);
}

Webhooks::Answer<void> Webhooks::redeliver(const WebhookCaller& caller, const WebhookId& id,
                                           std::string_view delivery) {
  using Redelivery = DeliveryQueue::Redelivery;
  const auto done = impl_->on_queue<Redelivery>(caller, id, [&](Endpoint& endpoint) {
    auto outcome = endpoint.queue()->redeliver(delivery, impl_->parts.clock());
    if (outcome) endpoint.pump();
    return outcome;
  });
  if (!done) return done.error();
  switch (*done) {
    case Redelivery::accepted:
      return {};
    case Redelivery::not_found:
      return WebhookFailure{Kind::not_found, "Delivery not found"};
    case Redelivery::erased:
      return WebhookFailure{Kind::conflict, "The event's payload has been erased"};
  }
  return {};
}

Webhooks::Answer<void> Webhooks::check_cursor(std::optional<DeliveryState> state, std::string_view cursor) {
  const auto start = parse_cursor(cursor);
  if (cursor.empty() || (start && (!state || start->state == *state))) return {};
  return WebhookFailure{Kind::invalid, "Parameter 'cursor' is not one of this list"};
}

Webhooks::Answer<DeliveryStatusPage> Webhooks::deliveries(const WebhookCaller& caller, const WebhookId& id,
                                                          std::optional<DeliveryState> state, std::string_view cursor,
                                                          std::size_t limit) {
  if (auto good = check_cursor(state, cursor); !good) return good.error();
  PageStart start{state.value_or(DeliveryState::pending), std::nullopt};
  if (!cursor.empty()) start = *parse_cursor(cursor);
  // Without a state: the pending ones, then the parked, then the done, as one list.
  using Page = Result<DeliveryStatusPage, storage::ReadError>;
  auto page = impl_->on_queue<DeliveryStatusPage>(caller, id, [&](Endpoint& endpoint) -> Page {
    DeliveryStatusPage out;
    for (;;) {
      const bool full = out.rows.size() == limit;
      auto rows = endpoint.queue()->list(start.state, start.after, full ? 1 : limit - out.rows.size());
      if (!rows) return rows.error();
      if (full && (!rows->rows.empty() || rows->next)) {
        out.next = to_cursor(start.state, start.after);
        return out;
      }
      for (ListedDelivery& row : rows->rows) {
        std::string message = message_id(id, row.delivery);
        out.rows.push_back({std::move(message), std::move(row.delivery), row.state});
      }
      if (rows->next) {
        out.next = to_cursor(start.state, rows->next);
        return out;
      }
      const auto following = state ? std::nullopt : state_after(start.state);
      if (!following) return out;
      start = {*following, std::nullopt};
    }
  });
  if (!page) return page.error();
  return *std::move(page);
}

}  // namespace taskledger::reactors
