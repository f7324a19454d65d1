// `replay`: a workspace as it was at an instant, folded from the log alone: its tasks, one of them, or its statistics.
// May run beside a server. --json prints the bodies that the API answers with; the list whole, or its first --limit.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>

#include "app/command.h"
#include "app/need.h"
#include "app/open_data.h"
#include "app/output.h"
#include "app/system.h"
#include "commands/task_stream.h"
#include "core/query.h"
#include "core/time_zone.h"
#include "projections/list/list_query.h"
#include "projections/list/render.h"
#include "projections/past/past_fold.h"
#include "projections/stats/stats_query.h"

namespace taskledger::app {
namespace {

constexpr std::size_t kRowsAtOnce = 10'000;  // rendered

struct ReplaySettings {
  std::string data, workspace;
  Timestamp at;
  TimeZone zone;
  std::optional<TaskId> task;
  std::optional<UserId> user;
  std::uint32_t limit = 0;  // 0: all
  bool stats = false, json = false;
};

std::string shown(const std::optional<Timestamp>& time) { return time ? to_rfc3339(*time) : "-"; }

void print_task(const ReplaySettings& settings, const Task& task) {
  const TaskFields& fields = task.fields;
  const auto line = [](std::string_view name, const std::string& value) { fmt::print("{:<16} {}\n", name, value); };
  line("id", to_string(task.id));
  line("as of", to_rfc3339(settings.at));
  line("version", std::to_string(task.version.value));
  line("title", fields.title);
  line("due", shown(fields.due_date));
  line("priority", fields.priority ? std::string(name_of(*fields.priority)) : "-");
  line("action type", fields.action_type ? std::string(name_of(*fields.action_type)) : "-");
  line("assigned to", fields.assigned_to ? to_string(*fields.assigned_to) : "-");
  line("completed", task.is_completed() ? fmt::format("{} by {}", shown(task.completed_at),
                                                      to_string(task.completed_by.value_or(UserId{})))
                                        : "no");
  line("created", fmt::format("{} by {}", to_rfc3339(task.created_at), to_string(task.created_by)));
  line("updated", to_rfc3339(task.updated_at));
  for (const Link& link : fields.links) line("linked to", fmt::format("{} {}", name_of(link.type), to_string(link.id)));
}

std::string line_of(const Task& task) {
  return fmt::format("{:<20}  {:<6}  {:<4}  {}  {}\n", shown(task.fields.due_date),
                     task.fields.priority ? name_of(*task.fields.priority) : "-", task.is_completed() ? "done" : "open",
                     to_string(task.id), task.fields.title);
}

// An erased task has no past: its stream is looked at to its end.
int replay_task(const storage::EventLog& log, WorkspaceNumber workspace, const ReplaySettings& settings) {
  const auto state = need(commands::fold_task(
      log, workspace, *settings.task, [&](const storage::Record& record) { return record.time <= settings.at; }));
  bool erased = false;
  need(log.read_stream(workspace, settings.task->value, state.version.next(), [&](const storage::Record& record) {
    erased = erased || record.type == static_cast<std::uint8_t>(EventType::task_erased);
    return true;
  }));
  if (state.lifecycle != Lifecycle::live || erased)
    throw Failed(fmt::format("task {}: there was none as of {}", to_string(*settings.task), to_rfc3339(settings.at)));
  if (settings.json) {
    std::string body;
    append_task_json(body, state);
    fmt::print("{}\n", body);
  } else {
    print_task(settings, state);
  }
  return kDone;
}

int replay_stats(const projections::Image& image, const ReplaySettings& settings) {
  StatsQuery query;
  query.user = settings.user;
  query.now = settings.at;
  query.day = settings.zone.day_of(settings.at);
  query.week = settings.zone.week_of(settings.at);
  const Stats stats = projections::answer_stats_from_columns(image, query);
  if (settings.json) {
    std::string body;
    append_stats_json(body, stats);
    fmt::print("{}\n", body);
    return kDone;
  }
  fmt::print("{} as of {}, {}\n", settings.workspace, to_rfc3339(settings.at),
             settings.user ? "assigned to " + to_string(*settings.user) : std::string("all tasks"));
  const auto line = [](std::string_view name, std::uint64_t value, std::string_view unit = "") {
    fmt::print("{:<16} {:>8}{}\n", name, value, unit);
  };
  line("total", stats.total);
  line("completed today", stats.completed_today);
  line("remaining today", stats.remaining_today);
  line("overdue", stats.overdue);
  line("due this week", stats.this_week);
  line("completion rate", stats.completion_rate(), " %");
  return kDone;
}

int replay_list(const projections::Image& image, const ReplaySettings& settings) {
  ListQuery query;
  query.now = settings.at;
  query.assigned_to = settings.user;
  query.limit = settings.limit == 0 ? image.rows() : settings.limit;
  std::uint64_t total = 0;
  auto rows = projections::rows_from_columns(image, query, total);
  if (rows.size() > query.limit) rows.resize(query.limit);
  Output out("-");
  if (settings.json) out.write(R"({"data":[)");
  for (std::size_t from = 0; from < rows.size(); from += kRowsAtOnce) {
    const auto some = std::span(rows).subspan(from, std::min(kRowsAtOnce, rows.size() - from));
    if (settings.json) {
      std::string json(from == 0 ? "" : ",");
      projections::append_rows_json(json, image, some);
      out.write(json);
    } else {
      for (const projections::Row row : some) out.write(line_of(image.task(row)));
    }
  }
  if (settings.json) out.write(fmt::format("],\"total\":{},\"nextCursor\":null}}\n", total));
  out.finish();
  return kDone;
}

int replay(const ReplaySettings& settings) {
  const OpenReader open = open_to_read(settings.data);
  projections::Directory directory;
  fold_directory(*open.log, directory);
  const Workspace workspace = workspace_named(directory, settings.workspace);
  if (settings.task) return replay_task(*open.log, workspace.number, settings);
  const auto image = need(projections::fold_past({*open.log, workspace.number}, settings.at));
  if (settings.stats) return replay_stats(*image, settings);
  return replay_list(*image, settings);
}

// As the API reads `as_of`: an instant, or a day, which is its last millisecond, and today is now.
Timestamp instant_of(const std::string& text, const TimeZone& zone) {
  const auto time = parse_time(text, zone);
  if (!time) throw CLI::ValidationError("--as-of", "must be a date or a date-time (RFC 3339), not " + text);
  const Timestamp now = system_now();
  if (time->at > now) throw CLI::ValidationError("--as-of", "must not lie in the future");
  return time->whole_day ? std::min(time->as_until(), now) : time->at;
}

Uuid uuid_of(const char* flag, const std::string& text) {
  const auto id = parse_uuid(text);
  if (!id) throw CLI::ValidationError(flag, "is no UUID: " + text);
  return *id;
}

}  // namespace

void add_replay(CLI::App& root, Run& run) {
  struct Given {
    ReplaySettings settings;
    std::string as_of, zone, task, user;
  };
  auto given = std::make_shared<Given>();
  CLI::App* command =
      root.add_subcommand("replay", "What was true at an instant, from the log alone; may run beside a server");
  add_data_option(*command, given->settings.data);
  command->add_option("--workspace", given->settings.workspace, "The workspace")
      ->check(not_empty())
      ->type_name("NAME")
      ->required();
  command->add_option("--as-of", given->as_of, "The instant, or a day: its end")->type_name("TIME")->required();
  CLI::Option* stats = command->add_flag("--stats", given->settings.stats, "The statistics of then, not the list");
  CLI::Option* task = command->add_option("--task", given->task, "This task alone")
                          ->check(not_empty())
                          ->type_name("UUID")
                          ->excludes(stats);
  command->add_option("--user", given->user, "Only tasks assigned to this user")
      ->check(not_empty())
      ->type_name("UUID")
      ->excludes(task);
  command->add_option("--timezone", given->zone, "In which TIME is read, and days and weeks are; default UTC")
      ->type_name("TZ");
  command->add_option("--limit", given->settings.limit, "List no more tasks than this; 0: all")
      ->type_name("N")
      ->excludes(task)
      ->excludes(stats);
  command->add_flag("--json", given->settings.json, "The bodies of the API");
  command->callback([given, &run] {
    ReplaySettings& settings = given->settings;
    if (!given->zone.empty()) {
      const auto zone = TimeZone::load(given->zone);
      if (!zone) throw CLI::ValidationError("--timezone", "is no IANA time zone: " + given->zone);
      settings.zone = *zone;
    }
    settings.at = instant_of(given->as_of, settings.zone);
    if (!given->task.empty()) settings.task = TaskId{uuid_of("--task", given->task)};
    if (!given->user.empty()) settings.user = UserId{uuid_of("--user", given->user)};
    run = [given] { return replay(given->settings); };
  });
}

}  // namespace taskledger::app
