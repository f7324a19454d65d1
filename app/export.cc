// `export`: event lines in canonical form, of one workspace or of all of them in the order of the log.
#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/event_lines.h"
#include "app/need.h"
#include "app/open_data.h"
#include "app/output.h"
#include "app/progress.h"
#include "core/event.h"
#include "storage/feed_block.h"

namespace taskledger::app {
namespace {

struct ExportSettings {
  std::string data, workspace, file;
  std::uint64_t after = 0;
  std::string task, type;
  storage::FeedFilter filter;
};

int run_export(const ExportSettings& settings) {
  const OpenReader open = open_to_read(settings.data);
  projections::Directory directory;
  fold_directory(*open.log, directory);
  Output output(settings.file);
  Progress progress("exported");
  std::uint64_t lines = 0;
  std::string line;
  const auto write = [&](const storage::Record& record, const WorkspaceId& workspace, double fraction) {
    line.clear();
    append_record_line(line, record, workspace);
    line += '\n';
    output.write(line);
    progress.update(++lines, fraction);
  };
  if (!settings.workspace.empty()) {
    const Workspace workspace = workspace_named(directory, settings.workspace);
    const auto last = static_cast<double>(open.log->workspace_head(workspace.number).position.value);
    need(open.log->read_feed(workspace.number, WorkspacePosition{settings.after}, settings.filter,
                             [&](const storage::Record& record) {
                               write(record, workspace.id, static_cast<double>(record.in_workspace.value) / last);
                               return true;
                             }));
  } else {
    const Position head = open.log->head().position;
    WorkspaceNumber number;
    WorkspaceId id;  // of `number`: runs of one workspace are the rule
    need(open.log->read_all(Position{settings.after}, head, [&](const storage::Record& record) {
      if (!is_task_event(record) || !storage::matches(settings.filter, record)) return true;
      if (record.workspace != number) id = directory.workspace(number = record.workspace).value_or(Workspace{}).id;
      write(record, id, static_cast<double>(record.position.value) / static_cast<double>(head.value));
      return true;
    }));
  }
  output.finish();
  return kDone;
}

}  // namespace

void add_export(CLI::App& root, Run& run) {
  auto settings = std::make_shared<ExportSettings>();
  CLI::App* command = root.add_subcommand("export", "Write event lines; may run beside a server");
  add_data_option(*command, settings->data);
  command->add_option("--workspace", settings->workspace, "Only this one; otherwise all, in the order of the log")
      ->check(not_empty())
      ->type_name("NAME");
  command
      ->add_option("--after", settings->after,
                   "Only events after this position: of the workspace, without --workspace of the whole log")
      ->check(at_least(0))
      ->type_name("POSITION");
  command->add_option("-o,--output", settings->file, "Instead of stdout; .gz compresses")->type_name("FILE");
  command->add_option("--task", settings->task, "Only this task's events")->check(not_empty())->type_name("UUID");
  command->add_option("--type", settings->type, "Only events of this type, such as TaskCreated")
      ->check(not_empty())
      ->type_name("TYPE");
  command->callback([settings, &run] {
    if (!settings->task.empty() && !(settings->filter.stream = parse_uuid(settings->task)))
      throw CLI::ValidationError("--task", "is no UUID: " + settings->task);
    if (!settings->type.empty()) {
      const auto type = parse_event_type(settings->type);
      if (!type) throw CLI::ValidationError("--type", "must be one of: " + std::string(kEventTypeNames));
      settings->filter.type = static_cast<std::uint8_t>(*type);
    }
    run = [settings] { return run_export(*settings); };
  });
}

}  // namespace taskledger::app
