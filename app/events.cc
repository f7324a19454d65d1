// `events`: the log, for people: one line a record, and with --follow the ones that come.
#include <fmt/core.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/command.h"
#include "app/event_lines.h"
#include "app/need.h"
#include "app/open_data.h"

namespace taskledger::app {
namespace {

constexpr std::size_t kShownDataBytes = 120;
constexpr timespec kBetweenLooks{0, 100'000'000};

struct EventsSettings {
  std::string data, workspace;
  std::string task;
  std::optional<Uuid> task_id;
  std::uint64_t after = 0;
  bool follow = false, json = false;
};

// At most kShownDataBytes, never half a code point.
std::string shortened(std::string_view text) {
  if (text.size() <= kShownDataBytes) return std::string(text);
  std::size_t end = kShownDataBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

// What the system's records are, is in their payload: `{"type":"TokenCreated",…}`.
std::string type_of(const storage::Record& record) {
  if (record.type != storage::kSystemRecord) return std::string(name_of(static_cast<EventType>(record.type)));
  const std::string_view payload = record.payload.value_or("");
  constexpr std::string_view kKey = "\"type\":\"";
  const auto begin = payload.find(kKey);
  if (begin == std::string_view::npos) return "system";
  return std::string(payload.substr(begin + kKey.size(), payload.find('"', begin + kKey.size()) - begin - kKey.size()));
}

class Printer {
 public:
  Printer(const EventsSettings& settings, projections::Directory& directory)
      : settings_(settings), directory_(directory) {}

  void print(const storage::Record& record) {
    if (!is_task_event(record)) need(directory_.apply(record));  // workspaces made while following
    if (settings_.task_id && record.stream != *settings_.task_id) return;
    const Workspace workspace = directory_.workspace(record.workspace).value_or(Workspace{});
    if (settings_.json) {
      if (!is_task_event(record)) return;
      std::string line;
      append_record_line(line, record, workspace.id);
      fmt::print("{}\n", line);
    } else {
      fmt::print("{}  {}  {}  {}  {} v{}  by {}  {}\n", to_rfc3339(record.time), record.position.value,
                 is_task_event(record) ? fmt::format("{}#{}", workspace.name, record.in_workspace.value) : "system",
                 type_of(record), to_string(record.stream), record.version.value, to_string(record.actor),
                 record.payload ? shortened(*record.payload) : "(erased)");
    }
  }

 private:
  const EventsSettings& settings_;
  projections::Directory& directory_;
};

// Prints what follows `after` and returns where it got to. Positions are the workspace's where one was named.
std::uint64_t print_from(const storage::EventLog& log, const std::optional<Workspace>& workspace, std::uint64_t after,
                         Printer& printer) {
  const auto visit = [&](const storage::Record& record) {
    printer.print(record);
    after = workspace ? record.in_workspace.value : record.position.value;
    return std::ferror(stdout) == 0;
  };
  if (workspace) {
    need(log.read_workspace(workspace->number, WorkspacePosition{after}, visit));
  } else {
    need(log.read_all(Position{after}, log.head().position, visit));
  }
  if (std::fflush(stdout) != 0) throw Failed("stdout: cannot be written");
  return after;
}

int run_events(const EventsSettings& settings) {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGTERM);
  if (settings.follow) pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
  const OpenReader open = open_to_read(settings.data);
  projections::Directory directory;
  fold_directory(*open.log, directory);
  std::optional<Workspace> workspace;
  if (!settings.workspace.empty()) workspace = workspace_named(directory, settings.workspace);
  Printer printer(settings, directory);
  std::uint64_t after = print_from(*open.log, workspace, settings.after, printer);
  while (settings.follow && sigtimedwait(&awaited, nullptr, &kBetweenLooks) < 0) {
    need(open.log->catch_up());
    after = print_from(*open.log, workspace, after, printer);
  }
  return kDone;
}

}  // namespace

void add_events(CLI::App& root, Run& run) {
  auto settings = std::make_shared<EventsSettings>();
  CLI::App* command = root.add_subcommand("events", "Read the log; may run beside a server");
  add_data_option(*command, settings->data);
  command->add_option("--workspace", settings->workspace, "Only this workspace's events")
      ->check(not_empty())
      ->type_name("NAME");
  command->add_option("--task", settings->task, "Only this task's events")->check(not_empty())->type_name("UUID");
  command
      ->add_option("--after", settings->after,
                   "Only what comes after this position: of the workspace, without --workspace of the whole log")
      ->check(at_least(0))
      ->type_name("POSITION");
  command->add_flag("--follow", settings->follow, "Go on with what is appended, until Ctrl-C");
  command->add_flag("--json", settings->json, "Event lines");
  command->callback([settings, &run] {
    if (!settings->task.empty() && !(settings->task_id = parse_uuid(settings->task)))
      throw CLI::ValidationError("--task", "is no UUID: " + settings->task);
    run = [settings] { return run_events(*settings); };
  });
}

}  // namespace taskledger::app
