#include "app/open_data.h"

#include <filesystem>
#include <utility>

#include "app/descriptors.h"
#include "app/need.h"
#include "app/system.h"

namespace taskledger::app {

namespace {

OpenLog open_alone(const std::string& data, storage::DataDirectory::Options how, storage::LogOptions settings) {
  OpenLog open;
  open.directory = need(storage::DataDirectory::open(data, how));
  settings.clock = system_now;
  settings.random = system_random;
  open.log = need(storage::open_event_log(*open.directory, std::move(settings)));
  return open;
}

}  // namespace

OpenLog open_to_serve(const std::string& data, const std::string& key_file, storage::LogOptions settings) {
  return open_alone(data, {.key_file = key_file, .random = system_random}, std::move(settings));
}

OpenLog open_to_write(const std::string& data) { return open_alone(data, {.key_file = {}, .random = {}}, {}); }

OpenLog open_existing(const std::string& data, const std::string& key_file) {
  return open_alone(data, {.key_file = key_file, .random = {}, .existing = true}, {});
}

OpenReader open_to_read(const std::string& data, const std::string& key_file) {
  raise_descriptor_limit();  // files of the log are open up to three times for a moment
  OpenReader open;
  open.directory = need(storage::DataDirectory::open(data, {storage::DataDirectory::Access::reader, key_file, {}}));
  open.log = need(storage::open_log_reader(*open.directory));
  return open;
}

void fold_directory(const storage::EventLog& log, projections::Directory& directory) {
  need(log.read_workspace(kSystemWorkspace, WorkspacePosition{0}, [&](const storage::Record& record) {
    need(directory.apply(record));
    return true;
  }));
}

Workspace workspace_named(const projections::Directory& directory, std::string_view name) {
  const auto found = directory.workspace_named(name);
  if (!found) throw Failed("no workspace named '" + std::string(name) + "'");
  return *found;
}

}  // namespace taskledger::app
