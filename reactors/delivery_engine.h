// Runs the endpoints of all webhooks on one thread of its own, apart from the threads of readers and writers.
// Threads: any, but start() and stop() once, from the owner.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>

#include "core/clock.h"
#include "reactors/endpoint.h"
#include "reactors/registry.h"
#include "reactors/settings.h"
#include "storage/event_log.h"
#include "storage/reactor_store.h"

namespace taskledger::reactors {

struct EngineParts {  // references outlive the engine
  storage::EventLog& log;
  storage::ReactorStore& store;
  Registry& registry;
  const SecretBox& secrets;
  Resolver& resolver;
  Clock clock;
  RandomBytes random;
};

class DeliveryEngine {
 public:
  DeliveryEngine(EngineParts parts, const WebhookSettings& settings);  // throws std::runtime_error on a bad CA file
  ~DeliveryEngine();
  DeliveryEngine(const DeliveryEngine&) = delete;
  DeliveryEngine& operator=(const DeliveryEngine&) = delete;

  // Loads the webhooks and begins to deliver.
  Result<void, storage::ReadError> start();
  // Waits a moment for what is under way, records what was delivered, and ends the thread.
  void stop();

  // The log has grown, by these records (those of whole commits). Never blocks.
  void wake(std::span<const storage::Record> records);
  void wake();
  // Runs `job` with the webhook's endpoint on the engine's thread and waits for it; false when there is no such
  // endpoint or the engine is stopping. What `job` throws comes out here. Not from the engine's thread.
  bool run(const WebhookId& id, const std::function<void(Endpoint&)>& job);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace taskledger::reactors
