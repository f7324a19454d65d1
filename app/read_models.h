// The read models of an opened data directory: the view store and the runner that keeps it up with the log.
// Destroy (or close) them before the log they were opened with.
#pragma once

#include <memory>
#include <string>

#include "projections/runner.h"
#include "storage/data_directory.h"
#include "storage/event_log.h"
#include "storage/rocks_view_store.h"

namespace taskledger::app {

struct ReadModelStores {
  std::unique_ptr<storage::RocksViewStore> views;
  std::unique_ptr<projections::Runner> runner;  // goes before the views
};

// Opens `directory`'s views, and catches up with the log: reads reflect its head on return. Tells of the progress of a
// long catch-up as `what` in the process's log. Throws Failed.
[[nodiscard]] ReadModelStores open_read_models(storage::DataDirectory& directory, storage::EventLog& log,
                                               const projections::RunnerOptions& options, const std::string& what);

}  // namespace taskledger::app
