// The data directory as a command opens it: for itself alone, or to read beside a serving process.
// Throws Failed with the one line that storage gives: who holds it, which format it has, what is damaged.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/access.h"
#include "projections/directory.h"
#include "storage/data_directory.h"
#include "storage/event_log.h"
#include "storage/rocks_event_log.h"

namespace taskledger::app {

struct OpenLog {
  std::unique_ptr<storage::DataDirectory> directory;
  std::unique_ptr<storage::RocksEventLog> log;  // goes before the directory
};

// For this process alone; made when it is not there, and its key as well. `settings` without clock and randomness: they
// are the system's.
[[nodiscard]] OpenLog open_to_serve(const std::string& data, const std::string& key_file, storage::LogOptions settings);
// For commands that neither sign nor encrypt: they make no key, since the server's may be elsewhere.
[[nodiscard]] OpenLog open_to_write(const std::string& data);
// The same of a directory that must be there, and its key too where it is named.
[[nodiscard]] OpenLog open_existing(const std::string& data, const std::string& key_file = {});
// Must be there, and may be in use: what is appended later shows after catch_up().
struct OpenReader {
  std::unique_ptr<storage::DataDirectory> directory;
  std::unique_ptr<storage::LogReader> log;
};
[[nodiscard]] OpenReader open_to_read(const std::string& data, const std::string& key_file = {});

// Workspaces and tokens, folded from the system's records.
void fold_directory(const storage::EventLog& log, projections::Directory& directory);
// Throws Failed when there is no workspace of that name.
[[nodiscard]] Workspace workspace_named(const projections::Directory& directory, std::string_view name);

}  // namespace taskledger::app
