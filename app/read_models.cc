#include "app/read_models.h"

#include <fmt/core.h>
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "app/need.h"

namespace taskledger::app {
namespace {

constexpr std::chrono::seconds kBetweenReports{3};

// Reports until it is stopped.
void report_progress(const std::stop_token& stopped, const projections::Runner& runner, const std::string& what) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  while (true) {
    never.wait_for(lock, stopped, kBetweenReports, [] { return false; });
    if (stopped.stop_requested()) return;
    for (const projections::ProjectionStatus& status : runner.status()) {
      if (status.state == "live") continue;
      const double left = status.events_per_second > 0 ? static_cast<double>(status.lag) / status.events_per_second : 0;
      spdlog::info("{} {}: {:.0f} %, {:.0f} events/s, {:.0f} s left", what, status.name, status.progress * 100,
                   status.events_per_second, left);
    }
  }
}

ReadModelStores open_and_start(storage::DataDirectory& directory, storage::EventLog& log,
                               const projections::RunnerOptions& options, const std::string& what,
                               Result<void, storage::ReadError>& started) {
  ReadModelStores models;
  storage::OpenedViews opened = need(storage::open_view_store(directory));
  if (!opened.discarded.empty()) spdlog::warn("the read models are built anew from the log: {}", opened.discarded);
  models.views = std::move(opened.store);
  models.runner = projections::Runner::create(log, *models.views, options);
  const std::jthread reporter([&](const std::stop_token& stopped) { report_progress(stopped, *models.runner, what); });
  started = models.runner->start();
  return models;
}

}  // namespace

// Damage of the views may show only when rows are read: they are disposable, and made anew where they are what is
// damaged, not the log.
ReadModelStores open_read_models(storage::DataDirectory& directory, storage::EventLog& log,
                                 const projections::RunnerOptions& options, const std::string& what) {
  Result<void, storage::ReadError> started{};
  ReadModelStores models = open_and_start(directory, log, options, what, started);
  if (!started) {
    if (const auto whole = models.views->check_blocks(); !whole) {
      spdlog::warn("the read models are built anew from the log: {}", whole.error().what);
      models.runner.reset();
      models.views.reset();
      need(storage::discard_view_store(directory));
      models = open_and_start(directory, log, options, what, started);
    }
  }
  need(std::move(started));
  ::malloc_trim(0);  // what catching up needed for a while goes back to the system
  return models;
}

}  // namespace taskledger::app
