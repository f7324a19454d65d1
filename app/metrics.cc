#include "app/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <utility>
#include <vector>

#include "app/process_figures.h"

namespace taskledger::app {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Families = std::vector<MetricFamily>;

// One family after the other: with one value, or one for each set of labels.
class Writer {
 public:
  explicit Writer(Families& out) : out_(out) {}
  Writer& gauge(std::string name, std::string help) {
    return begin(std::move(name), std::move(help), MetricType::Gauge);
  }
  Writer& counter(std::string name, std::string help) {
    return begin(std::move(name), std::move(help), MetricType::Counter);
  }
  Writer& of(double value, Labels labels = {}) {
    ClientMetric& metric = out_.back().metric.emplace_back();
    metric.label = std::move(labels);
    metric.gauge.value = metric.counter.value = value;
    return *this;
  }
  Writer& of(std::uint64_t value, Labels labels = {}) { return of(static_cast<double>(value), std::move(labels)); }
  void histogram(std::string name, std::string help, const storage::Distribution& from) {
    begin(std::move(name), std::move(help), MetricType::Histogram);
    auto& to = out_.back().metric.emplace_back().histogram;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < from.counts.size(); ++i) {
      below += from.counts[i];
      to.bucket.push_back({below, i < from.bounds.size() ? from.bounds[i] : std::numeric_limits<double>::infinity()});
    }
    to.sample_count = below;
    to.sample_sum = from.sum;
  }

 private:
  Writer& begin(std::string name, std::string help, MetricType type) {
    out_.push_back({std::move(name), std::move(help), type, {}});
    return *this;
  }
  Families& out_;
};

void add_log(Writer& to, const MetricsSources& from) {
  const storage::AppendFigures figures = from.log.append_figures();
  to.histogram("taskledger_commit_batch_commits", "Commits that one write to the log made durable together.",
               figures.commits_per_group);
  to.histogram("taskledger_commit_batch_events", "Records in one write to the log.", figures.records_per_group);
  to.histogram("taskledger_commit_sync_seconds", "Writing one batch to the log, its sync included.",
               figures.write_seconds);
  to.gauge("taskledger_commit_queue_commits", "Commits that wait to be durable.").of(figures.queued_commits);
  to.gauge("taskledger_commit_queue_bytes", "Bytes of them.").of(figures.queued_bytes);
  to.counter("taskledger_commit_queue_rejected_total", "Commits refused since the queue was full.")
      .of(figures.turned_away);
  to.gauge("taskledger_log_position", "Global position of the last durable record.").of(from.log.head().position.value);
  to.gauge("taskledger_log_writable", "1 while the log takes writes; 0 once a write has failed.")
      .of(from.log.failure() ? 0.0 : 1.0);
}

// How long ago the oldest record was written that reads do not reflect yet.
double lag_seconds(const MetricsSources& from) {
  const Position passed = from.models.passed();
  if (passed >= from.log.head().position) return 0;
  double lag = 0;
  (void)from.log.read_all(passed, Position{passed.value + 1}, [&](const storage::Record& record) {
    lag = std::max(0.0, static_cast<double>(from.clock().ms - record.time.ms) / 1000);
    return false;
  });
  return lag;
}

void add_projections(Writer& to, const MetricsSources& from) {
  const auto all = from.models.status();
  const auto each = [&](const auto& value) {
    for (const auto& status : all) to.of(value(status), {{"projection", status.name}});
  };
  to.gauge("taskledger_projection_lag_events", "Records of the log that reads do not reflect yet.");
  each([](const auto& status) { return static_cast<double>(status.lag); });
  const double seconds = lag_seconds(from);
  to.gauge("taskledger_projection_lag_seconds", "Age of the oldest of them.");
  each([&](const auto&) { return seconds; });
  to.gauge("taskledger_projection_checkpoint", "Global position of the rows on disk.");
  each([](const auto& status) { return static_cast<double>(status.checkpoint.value); });
  to.gauge("taskledger_projection_generation", "Grows with each rebuild.");
  each([](const auto& status) { return static_cast<double>(status.generation); });
  to.gauge("taskledger_projection_state", "1 for the state it is in.");
  for (const auto& status : all) {
    for (const char* state : {"live", "catching_up", "rebuilding"}) {
      to.of(status.state == state ? 1.0 : 0.0, {{"projection", status.name}, {"state", state}});
    }
  }
  to.gauge("taskledger_projection_progress_ratio", "Of the catch-up or rebuild under way; 1 when there is none.");
  each([](const auto& status) { return status.progress; });
  to.gauge("taskledger_projection_events_per_second", "Of the catch-up or rebuild under way.");
  each([](const auto& status) { return status.events_per_second; });
  const auto maintenance = from.models.maintenance_figures();
  to.counter("taskledger_rebuilds_total", "Rebuilds of read models that were asked for and done.")
      .of(maintenance.rebuilds, {{"result", "done"}})
      .of(maintenance.failed_rebuilds, {{"result", "failed"}});
  to.counter("taskledger_checks_total", "Comparisons of read models with the log, the slow ones in the background too.")
      .of(maintenance.checks, {{"result", "done"}})
      .of(maintenance.failed_checks, {{"result", "failed"}});
  to.counter("taskledger_rows_checked_total", "Rows that they compared.").of(maintenance.rows_checked);
  to.counter("taskledger_check_differences_total", "Rows that they found to differ from the log.")
      .of(maintenance.differences);
  to.gauge("taskledger_projections_running", "1 while read models follow the log; 0 once they have stopped.")
      .of(from.models.failure() ? 0.0 : 1.0);
  to.gauge("taskledger_rows_unwritten", "1 while rows of read models cannot be written: they are tried again.")
      .of(from.models.rows_unwritten() ? 1.0 : 0.0);
  const auto images = from.models.images();
  to.gauge("taskledger_image_cache_workspaces", "Workspaces whose read models are in memory.").of(images.workspaces);
  to.gauge("taskledger_image_cache_bytes", "Bytes of them, as last measured.").of(images.bytes);
  const auto pages = from.models.kept_pages();
  to.gauge("taskledger_page_cache_bytes", "Bytes of pages of lists kept for who asks again.").of(pages.bytes);
  to.counter("taskledger_page_cache_hits_total", "Pages answered from it.").of(pages.hits);
  to.counter("taskledger_page_cache_misses_total", "Pages that had to be worked out.").of(pages.misses);
}

void add_webhooks(Writer& to, const MetricsSources& from) {
  const auto figures = from.webhooks.figures();
  to.gauge("taskledger_webhooks", "Webhooks by state; failing: standing still for a reason of its own.")
      .of(figures.active, {{"state", "active"}})
      .of(figures.paused, {{"state", "paused"}})
      .of(figures.failing, {{"state", "failing"}});
  to.gauge("taskledger_webhook_deliveries", "Deliveries that wait for another attempt, or are parked.")
      .of(figures.waiting, {{"state", "waiting"}})
      .of(figures.parked, {{"state", "parked"}});
  to.gauge("taskledger_webhook_lag_events", "Events of its workspace that the webhook furthest behind has not seen.")
      .of(figures.lag);
}

void add_stores(Writer& to, const MetricsSources& from) {
  const storage::StoreFigures log = from.log.figures().store, views = from.views.figures();
  const auto both = [&](std::uint64_t storage::StoreFigures::*figure) {
    to.of(log.*figure, {{"store", "log"}}).of(views.*figure, {{"store", "views"}});
  };
  using Store = storage::StoreFigures;
  to.gauge("taskledger_rocksdb_table_bytes", "Live table files."), both(&Store::table_bytes);
  to.gauge("taskledger_rocksdb_wal_bytes", "Write-ahead log files; the views have none."), both(&Store::wal_bytes);
  to.gauge("taskledger_rocksdb_memtable_bytes", "Memtables."), both(&Store::memtable_bytes);
  to.gauge("taskledger_rocksdb_block_cache_bytes", "Block cache in use."), both(&Store::cache_bytes);
  to.gauge("taskledger_rocksdb_table_readers_bytes", "Indexes and filters of open files."),
      both(&Store::table_readers_bytes);
  to.gauge("taskledger_rocksdb_files", "Live table files."), both(&Store::files);
  to.gauge("taskledger_rocksdb_pending_compaction_bytes", "Bytes that compaction still has to rewrite."),
      both(&Store::pending_compaction_bytes);
  to.gauge("taskledger_rocksdb_background_errors", "Failed flushes and compactions."), both(&Store::background_errors);
  to.gauge("taskledger_rocksdb_write_stalled", "1 while writes are slowed down or stopped.")
      .of(log.write_stalled ? 1.0 : 0.0, {{"store", "log"}})
      .of(views.write_stalled ? 1.0 : 0.0, {{"store", "views"}});
}

void add_process(Writer& to, const MetricsSources& from) {
  const ProcessFigures process = process_figures();
  to.counter("process_cpu_seconds_total", "User and system CPU time.").of(process.cpu_seconds);
  to.gauge("process_resident_memory_bytes", "Resident memory.").of(process.resident_bytes);
  to.gauge("process_virtual_memory_bytes", "Virtual memory.").of(process.virtual_bytes);
  to.gauge("process_open_fds", "Open file descriptors.").of(process.open_fds);
  to.gauge("process_max_fds", "Their limit.").of(process.max_fds);
  to.gauge("process_threads", "Threads.").of(process.threads);
  to.gauge("process_start_time_seconds", "Start, in seconds since 1970.").of(process.start_time_seconds);
  to.gauge("taskledger_build_info", "1, labelled with the version.").of(1.0, {{"version", from.version}});
}

}  // namespace

std::string metrics_text(const MetricsSources& sources) {
  Families families;
  sources.requests.collect(families);
  Writer to(families);
  to.gauge("taskledger_http_connections", "Open connections.").of(std::uint64_t{sources.connections()});
  to.gauge("taskledger_http_body_bytes", "Memory of request bodies and long heads that are being received.")
      .of(std::uint64_t{sources.body_bytes()});
  to.gauge("taskledger_worker_queue_jobs", "Long reads and administration that wait for a worker.")
      .of(std::uint64_t{sources.workers.waiting()});
  add_log(to, sources);
  add_projections(to, sources);
  add_webhooks(to, sources);
  add_stores(to, sources);
  add_process(to, sources);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace taskledger::app
