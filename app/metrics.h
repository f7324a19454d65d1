// Everything /metrics tells, gathered when it is asked for: the parts keep their own figures, this only reads them and
// names them as Prometheus' conventions ask (taskledger_…, base units, _total for counters).
// Threads: any, several at a time. Reads the stores' figures: milliseconds, not for an io thread that serves the API.
#pragma once

#include <functional>
#include <string>

#include "app/worker_pool.h"
#include "core/clock.h"
#include "http/request_metrics.h"
#include "projections/runner.h"
#include "reactors/webhooks.h"
#include "storage/rocks_event_log.h"
#include "storage/rocks_view_store.h"

namespace taskledger::app {

struct MetricsSources {  // all outlive the calls
  const http::RequestMetrics& requests;
  const storage::RocksEventLog& log;
  const storage::RocksViewStore& views;
  const projections::Runner& models;
  reactors::Webhooks& webhooks;
  const WorkerPool& workers;
  std::function<std::size_t()> connections, body_bytes;
  Clock clock;
  std::string version;
};

[[nodiscard]] std::string metrics_text(const MetricsSources& sources);

}  // namespace taskledger::app
