#include "reactors/endpoint.h"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <random>

#include "reactors/exception_text.h"

namespace taskledger::reactors {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kLongestSleep{60'000};  // the wall clock may be set meanwhile

// Uniform in [0, 1), seeded once: jitter needs no more.
std::function<double()> make_jitter(const RandomBytes& random) {
  std::uint64_t seed = 0;
  random(std::span(reinterpret_cast<std::uint8_t*>(&seed), sizeof(seed)));
  return [engine = std::mt19937_64(seed)]() mutable { return std::generate_canonical<double, 32>(engine); };
}

}  // namespace

Endpoint::Endpoint(EndpointParts parts, WebhookPtr webhook)
    : parts_(std::move(parts)),
      webhook_(std::move(webhook)),
      visitor_(parts_.gate, [this] { pump(); }),
      timer_(parts_.io),
      flush_timer_(parts_.io) {
  auto url = parse_url(webhook_->url);
  if (!url) {  // an older version accepted what this one does not
    url_problem_ = url.error().message;
    url = Url{};
  }
  client_ = std::make_unique<HttpClient>(parts_.io, *std::move(url), parts_.settings, parts_.resolver, parts_.trust,
                                         parts_.idle);
}

QueueIdentity Endpoint::identity() const {
  return {webhook_->id, webhook_->workspace, webhook_->workspace_id, webhook_->types};
}

template <class Step>
void Endpoint::guarded(Step step) {
  try {
    step();
  } catch (...) {
    fail({exception_text(std::current_exception())});
  }
}

void Endpoint::open() {
  guarded([this] { load(); });
}

void Endpoint::load() {
  ++generation_;
  auto queue = std::make_unique<DeliveryQueue>(
      QueueParts{parts_.log, parts_.store, parts_.settings, make_jitter(parts_.random), parts_.erasures}, identity());
  if (auto opened = queue->open(webhook_->after); !opened) return fail(opened.error());
  for (const ReplayRequest& request : webhook_->replays) queue->replay(request.after, request.number);
  queue_ = std::move(queue);
}

void Endpoint::update(WebhookPtr webhook) {
  webhook_ = std::move(webhook);
  open_secrets();
  if (queue_) {
    for (const ReplayRequest& request : webhook_->replays) queue_->replay(request.after, request.number);
  }
  pump();
}

void Endpoint::look_at_registry() {
  if (!parts_.registry.catch_up()) return;  // whoever synchronizes says so
  const WebhookPtr latest = parts_.registry.find(webhook_->id);
  if (!latest || latest->version <= webhook_->version) return;
  webhook_ = latest;
  open_secrets();
}

void Endpoint::open_secrets() {
  secrets_.clear();
  for (const SigningSecret& secret : webhook_->secrets) {
    if (auto text = parts_.secrets.open(secret.sealed, webhook_->id)) {
      secrets_.push_back({*std::move(text), secret.replaced_at});
    }
  }
  if (secrets_.empty() || secrets_.front().replaced_at) {
    problem_ = "the secret cannot be decrypted with this server's key; rotate it";
    spdlog::error("webhook {}: {}", to_string(webhook_->id), problem_);
  } else if (queue_) {
    problem_ = url_problem_;
  }
}

void Endpoint::pump() {
  guarded([this] { send_ready(); });
}

void Endpoint::send_ready() {
  if (closed_ || !queue_) return;
  arm_flush();
  for (;;) {
    look_at_registry();
    const bool delivers = !webhook_->paused && problem_.empty();
    if (!queue_ || draining_ || (pings_.empty() && !delivers)) return;
    // The end of a request comes back here, and so does the turn at the gate.
    if (under_way_ >= parts_.settings.in_flight) return arm_flush();
    auto place = visitor_.enter();
    if (!place) return arm_flush();
    if (!pings_.empty()) {
      start_ping(*std::move(place));
      continue;
    }
    auto attempt = queue_->next(parts_.clock());
    if (!attempt) return fail(attempt.error());
    if (!*attempt) break;
    start(**std::move(attempt), *std::move(place));
  }
  arm_flush();
  arm_timer();
}

void Endpoint::start(Attempt attempt, ConnectionGate::Place place) {
  spawn(run(shared_from_this(), std::move(attempt), generation_), std::move(place));
}

void Endpoint::spawn(asio::awaitable<void> request, ConnectionGate::Place place) {
  ++under_way_;
  auto ended = [self = shared_from_this(), place = std::optional(std::move(place))](std::exception_ptr error) mutable {
    --self->under_way_;
    place.reset();
    if (error) return self->fail({exception_text(error)});
    self->pump();
  };
  asio::co_spawn(parts_.io, std::move(request), std::move(ended));
}

// `self` keeps this alive until the request has ended.
asio::awaitable<void> Endpoint::run([[maybe_unused]] std::shared_ptr<Endpoint> self, Attempt attempt,
                                    std::uint64_t generation) {
  const HttpOutcome outcome = co_await send(attempt.delivery, attempt.body);
  if (!closed_ && queue_ && generation == generation_) record(attempt, outcome);
}

asio::awaitable<HttpOutcome> Endpoint::send(Delivery delivery, std::string body) {
  look_at_registry();
  const std::string message = message_id(webhook_->id, delivery);
  const std::int64_t seconds = parts_.clock().ms / 1000;
  if (!problem_.empty()) {  // since it was taken; never a message that its receiver cannot verify
    HttpOutcome unsent;
    unsent.error = problem_;
    co_return unsent;
  }
  HttpPost post;
  post.headers.emplace_back("webhook-id", message);
  post.headers.emplace_back("webhook-timestamp", std::to_string(seconds));
  post.headers.emplace_back("webhook-signature", signatures(message, seconds, body));
  post.body = std::move(body);
  co_return co_await client_->post(std::move(post));
}

std::string Endpoint::signatures(std::string_view message, std::int64_t seconds, std::string_view body) const {
  const std::int64_t oldest = parts_.clock().ms - parts_.settings.rotation_overlap.count();
  std::string out;
  for (const OpenSecret& secret : secrets_) {
    if (secret.replaced_at && secret.replaced_at->ms <= oldest) continue;
    if (!out.empty()) out += ' ';
    out += sign(secret.text, message, seconds, body);
  }
  return out;
}

void Endpoint::record(const Attempt& attempt, const HttpOutcome& outcome) {
  const DeliveryNumber number = attempt.delivery.number;
  Result<void, storage::ReadError> recorded;
  if (outcome.status / 100 == 2) {
    recorded = queue_->succeeded(number, outcome.status, parts_.clock());
  } else {
    std::string error = outcome.status ? "status " + std::to_string(outcome.status) : outcome.error;
    spdlog::debug("webhook {}: delivery {} failed: {}", to_string(webhook_->id), number, error);
    recorded = queue_->failed(number, outcome.status, std::move(error), parts_.clock());
    if (outcome.status == 410 && !attempt.delivery.is_ping()) pause_gone();
  }
  if (!recorded) fail(recorded.error());
}

// 410 Gone says that the endpoint wants nothing any more: it is paused, by a record that people see, and nothing is
// lost.
void Endpoint::pause_gone() {
  if (webhook_->paused) return;
  auto paused = std::make_shared<Webhook>(*webhook_);
  paused->paused = true;
  paused->pause_reason = "the endpoint answered 410 Gone";
  storage::Commit commit;
  commit.workspace = kSystemWorkspace;
  commit.expected.push_back({webhook_->id.value, webhook_->version});
  commit.records.push_back({.stream = webhook_->id.value,
                            .type = storage::kSystemRecord,
                            .payload = webhook_payload(WebhookPaused{paused->pause_reason}),
                            .time = {},
                            .id = {},
                            .trace = {}});
  webhook_ = std::move(paused);  // at once, until the record comes round
  pause_refused_ = std::make_shared<std::atomic<bool>>(false);
  parts_.log.append(std::move(commit),
                    [id = webhook_->id, refused = pause_refused_](const storage::EventLog::Appending& done) {
                      if (done) return;
                      spdlog::warn("webhook {}: answered 410 Gone, but could not be paused", to_string(id));
                      *refused = true;
                    });
}

// Sends on after a refused pause: the next 410 tries again. On the tick, so that a log which refuses for long is not
// asked all the time, and since the answer comes on another thread.
void Endpoint::tick() {
  if (!pause_refused_ || !pause_refused_->exchange(false)) return;
  if (WebhookPtr latest = parts_.registry.find(webhook_->id)) webhook_ = std::move(latest);
}

std::optional<std::string> Endpoint::ping() {
  look_at_registry();
  if (!problem_.empty() || open_pings_ >= parts_.settings.in_flight) return std::nullopt;
  const Timestamp now = parts_.clock();
  last_ping_ms_ = std::max(last_ping_ms_ + 1, static_cast<std::uint64_t>(now.ms));
  Delivery ping;
  ping.number = last_ping_ms_ | kPingBit;
  ping.kind = DeliveryKind::ping;
  parts_.random(ping.event.value.bytes);
  ping.time = now;
  std::string id = message_id(webhook_->id, ping);
  ++open_pings_;
  pings_.push_back(std::move(ping));
  pump();
  return id;
}

void Endpoint::start_ping(ConnectionGate::Place place) {
  Delivery ping = std::move(pings_.front());
  pings_.pop_front();
  spawn(run_ping(shared_from_this(), std::move(ping)), std::move(place));
}

asio::awaitable<void> Endpoint::run_ping([[maybe_unused]] std::shared_ptr<Endpoint> self, Delivery ping) {
  struct Ending {
    explicit Ending(std::size_t& of) : pings(of) {}
    ~Ending() { --pings; }
    std::size_t& pings;
  };
  const Ending ending(open_pings_);
  const HttpOutcome outcome = co_await send(ping, ping_body(webhook_->id, ping.time));
  if (closed_ || !queue_) co_return;
  ping.attempts = 1;
  ping.last_attempt = parts_.clock();
  ping.status = outcome.status;
  if (outcome.status / 100 != 2)
    ping.error = outcome.status ? "status " + std::to_string(outcome.status) : outcome.error;
  if (auto recorded = queue_->record_ping(ping); !recorded) fail(recorded.error());
}

void Endpoint::arm_timer() {
  const auto at = queue_->wake_at();
  if (!at) return;
  const std::int64_t wait = std::clamp<std::int64_t>(at->ms - parts_.clock().ms, 0, kLongestSleep.count());
  timer_.expires_after(std::chrono::milliseconds(wait));
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    if (error) return;
    if (auto self = weak.lock()) self->pump();
  });
}

void Endpoint::arm_flush() {
  if (flush_armed_ || !queue_->needs_flush()) return;
  flush_armed_ = true;
  flush_timer_.expires_after(parts_.settings.flush_interval);
  flush_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    auto self = weak.lock();
    if (!self) return;
    self->flush_armed_ = false;
    if (!error) self->flush();
  });
}

void Endpoint::flush() {
  guarded([this] {
    if (closed_ || !queue_) return;
    if (auto flushed = queue_->flush(); !flushed) fail(flushed.error());
  });
}

void Endpoint::close() {
  closed_ = true;
  visitor_.stop_waiting();
  timer_.cancel();
  flush_timer_.cancel();
}

// Nothing is sent that could not be recorded. What the queue has in memory may be ahead of the store: used on, it would
// record a checkpoint past an event whose row was never written.
void Endpoint::fail(const storage::ReadError& error) {
  spdlog::error("webhook {}: {}; trying again in {} ms", to_string(webhook_->id), error.what,
                parts_.settings.store_retry.count());
  queue_.reset();
  problem_ = "the server's store fails";
  timer_.expires_after(parts_.settings.store_retry);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
    auto self = weak.lock();
    if (cancelled || !self || self->closed_) return;
    self->guarded([&] {
      self->load();
      self->open_secrets();
      self->send_ready();
    });
  });
}

}  // namespace taskledger::reactors
