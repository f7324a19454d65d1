// `import`: the history of a workspace from a file of event lines, all or nothing. The read models catch up at the next
// start of the server, from the log, as they do after a crash: an import has no way of its own into them.
#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/import_pipeline.h"
#include "app/need.h"
#include "app/open_data.h"
#include "app/progress.h"
#include "app/system.h"
#include "commands/administration.h"
#include "commands/task_stream.h"

namespace taskledger::app {
namespace {

struct ImportSettings {
  std::string data, workspace, file;
  bool json = false;
};

struct Target {
  WorkspaceNumber number;
  bool is_new = false;
};

Target target_workspace(const projections::Directory& directory, const std::string& name) {
  if (const auto known = directory.workspace_named(name)) return {known->number, false};
  return {directory.next_workspace_number(), true};
}

// The workspace's own record lands with its events, or not at all.
void add_workspace(storage::BulkAppend& bulk, const std::string& name, WorkspaceNumber number) {
  const storage::Commit commit = commands::make_workspace(name, number, UserId{});
  for (const storage::NewRecord& record : commit.records) need(bulk.add_system(commit.actor, Version{1}, record));
}

// Into an open log: all or nothing.
ImportCounts import_into(const OpenLog& open, const ImportSettings& settings, const std::string& name,
                         LineReader& lines, Progress& progress) {
  projections::Directory directory;
  fold_directory(*open.log, directory);
  const Target target = target_workspace(directory, name);
  const bool had_events = open.log->workspace_head(target.number).position.value > 0;

  auto bulk = open.log->begin_bulk(target.number);
  if (!bulk) throw Failed(settings.data + ": the log takes no import");
  if (target.is_new) add_workspace(**bulk, name, target.number);
  const ImportJob job{
      .file = settings.file,
      .workspace = workspace_id_of(name),
      .now = system_now(),
      .state_in_log =
          [&](const TaskId& id) {
            return had_events ? need(commands::fold_task(*open.log, target.number, id)) : Task{};
          },
      .progress =
          [&](std::uint64_t events) {
            progress.update(events, static_cast<double>(lines.bytes_read()) / static_cast<double>(lines.file_bytes()));
          },
      .ids_in_log =
          [&](const TaskId& id) {
            std::vector<EventId> ids;
            need(open.log->read_stream(target.number, id.value, Version{1}, [&](const storage::Record& record) {
              if (record.id != EventId{}) ids.push_back(record.id);
              return true;
            }));
            return ids;
          },
  };
  const ImportCounts counts = import_lines(lines, job, **bulk);
  need((*bulk)->finish());
  return counts;
}

int run_import(const ImportSettings& settings) {
  const auto name = commands::check_workspace_name(settings.workspace);
  if (!name) throw CLI::ValidationError("--workspace", name.error().message);
  LineReader lines(settings.file);  // before anything is made
  OpenLog open = open_to_write(settings.data);
  Progress progress("imported");
  ImportCounts counts;
  try {
    counts = import_into(open, settings, *name, lines, progress);
  } catch (...) {
    open.log.reset();
    open.directory->discard();
    throw;
  }
  progress.clear();
  const double rate = static_cast<double>(counts.events) / progress.seconds();
  if (settings.json) {
    fmt::print("{{\"events\":{},\"tasks\":{},\"events_per_second\":{:.0f}}}\n", counts.events, counts.tasks, rate);
  } else {
    fmt::print("{} events, {} tasks, {:.0f} events/s\n", counts.events, counts.tasks, rate);
  }
  return kDone;
}

}  // namespace

void add_import(CLI::App& root, Run& run) {
  auto settings = std::make_shared<ImportSettings>();  // shared by the parser and the run
  CLI::App* command = root.add_subcommand("import", "Take a workspace's history in from event lines; all or nothing");
  add_data_option(*command, settings->data);
  command->add_option("--workspace", settings->workspace, "The workspace; made when it is not there")
      ->check(not_empty())
      ->type_name("NAME")
      ->required();
  command->add_flag("--json", settings->json, "The result as JSON");
  command->add_option("FILE", settings->file, "Event lines, .ndjson or .ndjson.gz")->required();
  command->callback([settings, &run] { run = [settings] { return run_import(*settings); }; });
}

}  // namespace taskledger::app
