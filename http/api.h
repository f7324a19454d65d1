// The service of the tasks API: composition of router, authentication and handlers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "commands/command_handler.h"
#include "core/clock.h"
#include "http/service.h"
#include "projections/runner.h"
#include "storage/backup.h"
#include "storage/event_log.h"

namespace taskledger::projections {
class PastReads;
}
namespace taskledger::reactors {
class Webhooks;
}

namespace taskledger::http {

class AccessLog;
class RequestMetrics;

// A pool for what takes longer than an io thread may: heavy scans, as-of, blocking administration.
class Workers {
 public:
  virtual ~Workers() = default;
  // Calls `job` on a thread of its own, or `dropped`, when it stops before the job's turn. False: the queue is full
  // (503), and neither is called.
  virtual bool post(std::function<void()> job, std::function<void()> dropped) = 0;
};

struct ApiOptions {
  std::string server_key;    // 32 bytes; signs cursors and heads, and keys the hashes of idempotent requests
  std::string cors_origins;  // empty: off; "*" or a comma-separated list of origins
  std::uint32_t rate_limit = 0, rate_burst = 0;        // requests a second and burst, for each token; 0: off
  std::chrono::milliseconds stream_heartbeat{15'000};  // of event streams with nothing to say
  std::uint32_t auth_failure_rate = 1, auth_failure_burst = 1000;  // the same of invalid tokens, for each address
  std::string version;                                             // of the binary
};

struct ApiParts {  // all outlive the service
  storage::EventLog& log;
  projections::Runner& models;
  commands::CommandHandler& commands;
  Workers& workers;
  Clock clock;
  RandomBytes random;
  reactors::Webhooks* webhooks = nullptr;  // null: nothing may ask for them (tests)
  projections::PastReads* past = nullptr;  // null: lists and stats as of another time are 503 (tests)
  std::function<Result<storage::BackedUp, storage::ReadError>()> back_up =
      {};                                         // blocks; empty: there is no place for backups
  RequestMetrics* metrics = nullptr;              // null: not counted
  const AccessLog* access_log = nullptr;          // null: none
  std::function<std::string()> scrape = nullptr;  // what /metrics answers, on a worker; empty: 404
};

// What /readyz tells, in one line; nullopt: ready.
[[nodiscard]] std::optional<std::string> why_not_ready(const storage::EventLog& log, const projections::Runner& models);

[[nodiscard]] std::unique_ptr<Service> make_api(ApiParts parts, ApiOptions options);

}  // namespace taskledger::http
