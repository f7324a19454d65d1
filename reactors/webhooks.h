// Webhooks for those who manage them: registration and everything that can be asked about deliveries, one workspace's
// never another's; and the owner of the engine that delivers.
//
// What is decided here is a system record of the log (stream: the webhook's id) before it is answered.
// Threads: any, but start() and stop() once, from the owner. Calls block a little (on a commit, on the engine), but for
// check_address(): they belong on worker threads.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/webhook.h"
#include "reactors/delivery.h"
#include "reactors/http_client.h"
#include "reactors/settings.h"
#include "storage/event_log.h"
#include "storage/reactor_store.h"

namespace taskledger::reactors {

struct WebhookFailure {
  enum class Kind {
    invalid,      // 400: `message` names the field or parameter
    not_found,    // 404: of either the webhook or the delivery
    conflict,     // 409
    busy,         // 503: try again
    unavailable,  // 503: the disk fails, or the server is stopping
  };
  Kind kind = Kind::not_found;
  std::string message;
};
[[noreturn]] void throw_exception_from_error(const WebhookFailure&, const boost::source_location&);

struct WebhookParts {  // references outlive the webhooks
  storage::EventLog& log;
  storage::ReactorStore& store;
  std::string server_key;  // 32 bytes; encrypts the secrets
  Clock clock;
  RandomBytes random;
  Resolver::LookUp look_up = {};  // of check_address(); empty: asks the system
};

// Whose webhooks, and who asks.
struct WebhookCaller {
  WorkspaceNumber workspace;
  WorkspaceId workspace_id;
  UserId user;
};

struct RegisteredWebhook {
  WebhookId id;
  std::string secret;  // shown once
};

struct WebhookStatus {
  WebhookId id;
  std::string url;
  WebhookTypes types;
  bool paused = false;
  std::string problem;  // why it is paused or stands still, for people; empty when asked for, or when all is well
  Timestamp created_at;
  WorkspacePosition cursor;   // every event up to here is delivered, or waits or is parked by name
  std::uint64_t lag = 0;      // events of the workspace after it, of whatever type
  std::uint64_t waiting = 0;  // deliveries that failed and wait for their next attempt, and those held back by them
  std::uint64_t parked = 0;
};

struct DeliveryStatus {
  std::string id;  // also the message's webhook-id
  Delivery delivery;
  DeliveryState state;
};
struct DeliveryStatusPage {
  std::vector<DeliveryStatus> rows;
  std::optional<std::string> next;  // for `cursor`
};

// Of all workspaces.
struct WebhookFigures {
  std::uint64_t active = 0, paused = 0, failing = 0;  // webhooks; failing: stands still for a reason of its own
  std::uint64_t waiting = 0, parked = 0;              // deliveries
  std::uint64_t lag = 0;  // events that no delivery was made of yet, of the one furthest behind
};

class Webhooks {
 public:
  template <class T>
  using Answer = Result<T, WebhookFailure>;

  // Attaches itself as an observer of the log. Throws std::runtime_error on a bad CA file.
  Webhooks(WebhookParts parts, WebhookSettings settings);
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

  Result<void, storage::ReadError> start();
  void stop();

  [[nodiscard]] WebhookFigures figures();  // an engine that has stopped tells of no deliveries

  // A registration is three calls, of which the second may take as long as a name server likes: the first says whether
  // there may be one more; the third looks at that again.
  Answer<void> may_create(const WebhookCaller& caller, const WebhookRequest& request);
  // Whether the URL leads where a webhook may be sent to, as far as that can be told now: a name that has no address
  // yet may get one, and each connection is checked again. Blocks nobody: `done` must not block, and is called once,
  // within the call or on another thread; at the latest by stop_looking_up().
  void check_address(const WebhookRequest& request, std::function<void(Answer<void>)> done);
  Answer<RegisteredWebhook> create(const WebhookCaller& caller, const WebhookRequest& request);
  // Answers all of check_address() that wait, and later ones: the server is stopping.
  void stop_looking_up();
  Answer<std::vector<WebhookStatus>> list(const WebhookCaller& caller);  // oldest first
  Answer<WebhookStatus> get(const WebhookCaller& caller, const WebhookId& id);
  Answer<void> remove(const WebhookCaller& caller, const WebhookId& id);
  Answer<void> pause(const WebhookCaller& caller, const WebhookId& id);  // already so: nothing appended
  Answer<void> resume(const WebhookCaller& caller, const WebhookId& id);
  Answer<std::string> rotate_secret(const WebhookCaller& caller, const WebhookId& id);  // the new secret
  Answer<void> replay(const WebhookCaller& caller, const WebhookId& id, WorkspacePosition after);
  Answer<std::string> ping(const WebhookCaller& caller, const WebhookId& id);  // the message's id
  Answer<void> redeliver(const WebhookCaller& caller, const WebhookId& id, std::string_view delivery);
  // What is wrong with `cursor` by itself.
  [[nodiscard]] static Answer<void> check_cursor(std::optional<DeliveryState> state, std::string_view cursor);
  // Without a state: pending, then parked, then done ones.
  Answer<DeliveryStatusPage> deliveries(const WebhookCaller& caller, const WebhookId& id,
                                        std::optional<DeliveryState> state, std::string_view cursor, std::size_t limit);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace taskledger::reactors
