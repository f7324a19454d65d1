// One webhook at work: takes from its queue what may be sent, signs and posts it, and tells the queue how it went.
// Threads: that of the engine's io_context. Held by shared_ptr because requests under way outlive a removal.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "reactors/connection_gate.h"
#include "reactors/delivery_queue.h"
#include "reactors/http_client.h"
#include "reactors/registry.h"
#include "reactors/secrets.h"
#include "reactors/settings.h"

namespace taskledger::reactors {

struct EndpointParts {  // all outlive the endpoints
  boost::asio::io_context& io;
  storage::EventLog& log;
  storage::ReactorStore& store;
  Registry& registry;
  const WebhookSettings& settings;
  const SecretBox& secrets;
  Resolver& resolver;
  TlsTrust& trust;
  ConnectionGate& gate;
  IdleConnections& idle;
  Clock clock;
  RandomBytes random;
  const std::atomic<std::uint64_t>& erasures;
};

class Endpoint : public std::enable_shared_from_this<Endpoint> {
 public:
  Endpoint(EndpointParts parts, WebhookPtr webhook);
  // Loads what the store has; call once, then update(). Never throws, as pump() and flush().
  void open();
  // The webhook as it is now: paused or not, its secrets, what is asked to be replayed.
  void update(WebhookPtr webhook);
  // Sends what may be sent, pings first: at most in_flight requests at a time, each with a place at the gate. Called
  // when the log has grown, and by itself.
  void pump();
  // No new requests; outcomes of those under way are still recorded.
  void drain() { draining_ = true; }
  void flush();
  // Nothing is sent or recorded any more.
  void close();
  // Called about once a second: takes back a pause that the log refused.
  void tick();
  // The store or the log failed, or something threw: the queue is given up, and made anew from the store after a while.
  void fail(const storage::ReadError& error);

  // Sends a test message, paused or not, before all that waits; its id. nullopt: nothing can be sent, as problem()
  // says, or, where that is empty, since as many pings are on their way as requests may be under way.
  std::optional<std::string> ping();
  // Why nothing is sent although nobody paused it: the secret cannot be decrypted, the store fails. Empty: all is well.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  // nullptr while the store or log fails; gone after fail().
  [[nodiscard]] DeliveryQueue* queue() { return queue_.get(); }
  [[nodiscard]] std::size_t under_way() const { return under_way_; }

 private:
  boost::asio::awaitable<void> run(std::shared_ptr<Endpoint> self, Attempt attempt, std::uint64_t generation);
  boost::asio::awaitable<void> run_ping(std::shared_ptr<Endpoint> self, Delivery ping);
  boost::asio::awaitable<HttpOutcome> send(Delivery delivery, std::string body);
  // Runs `step`; what it throws is a bug, and leaves the queue in an unknown state.
  template <class Step>
  void guarded(Step step);
  void load();
  void send_ready();
  void start(Attempt attempt, ConnectionGate::Place place);
  void start_ping(ConnectionGate::Place place);
  // Counts the request as under way until it has ended; then what else may be sent is.
  void spawn(boost::asio::awaitable<void> request, ConnectionGate::Place place);
  void record(const Attempt& attempt, const HttpOutcome& outcome);
  void pause_gone();
  // An event may be found before the change of the webhook that was answered before it: takes over what has changed.
  void look_at_registry();
  void open_secrets();
  void arm_timer();
  void arm_flush();
  [[nodiscard]] std::string signatures(std::string_view message, std::int64_t seconds, std::string_view body) const;
  [[nodiscard]] QueueIdentity identity() const;

  EndpointParts parts_;
  WebhookPtr webhook_;
  struct OpenSecret {
    std::string text;
    std::optional<Timestamp> replaced_at;
  };
  std::vector<OpenSecret> secrets_;
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<DeliveryQueue> queue_;
  std::uint64_t generation_ = 0;  // of queue_: outcomes of requests that an earlier one gave are dropped
  std::size_t under_way_ = 0;
  std::deque<Delivery> pings_;  // not yet sent
  std::size_t open_pings_ = 0;  // those that are under way, too
  ConnectionGate::Visitor visitor_;
  boost::asio::steady_timer timer_, flush_timer_;
  bool flush_armed_ = false, closed_ = false, draining_ = false;
  // The log's answer to the latest pause_gone(). Shared with the log, which may answer when this is gone.
  std::shared_ptr<std::atomic<bool>> pause_refused_;
  std::uint64_t last_ping_ms_ = 0;
  std::string problem_, url_problem_;
};

}  // namespace taskledger::reactors
