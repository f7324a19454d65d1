// `rebuild`: the read models anew from the log; `--check`: compares them with it, row by row. Of a directory that no
// server holds, or (--url, --token) on a running server.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>

#include "app/command.h"
#include "app/logging.h"
#include "app/need.h"
#include "app/open_data.h"
#include "app/progress.h"
#include "app/rebuild_on_server.h"
#include "core/text.h"
#include "projections/models.h"
#include "projections/rebuild/check.h"
#include "projections/rebuild/fresh_generations.h"
#include "storage/rocks_view_store.h"

namespace taskledger::app {
namespace {

struct RebuildSettings {
  std::string data, url, token, projection;
  unsigned threads = 0;
  bool check = false, json = false;
};

std::vector<std::string> chosen(const std::string& projection) {
  if (!projection.empty()) return {projection};
  return {projections::kProjectionNames.begin(), projections::kProjectionNames.end()};
}

// Read models serve one state: one that is rebuilt alone goes to where the others are, if the log knows that place.
Position target(const storage::EventLog& log, const storage::ViewStore& views, const std::vector<std::string>& names) {
  for (const std::string_view other : projections::kProjectionNames) {
    if (std::find(names.begin(), names.end(), other) != names.end()) continue;
    const auto checkpoint = need(views.checkpoint(other, views.generation(other)));
    if (!checkpoint) continue;
    const auto hash = need(log.hash_at(checkpoint->position));
    if (hash && *hash == checkpoint->hash) return checkpoint->position;
  }
  return log.head().position;
}

int rebuild(const RebuildSettings& settings, const OpenLog& open, storage::ViewStore& views) {
  const std::vector<std::string> names = chosen(settings.projection);
  const Position to = target(*open.log, views, names);
  projections::Team team(settings.threads);
  Progress progress("rebuilt");
  need(projections::build_generations(*open.log, views, names, to, team, [&](Position position) {
    progress.update_now(position.value, static_cast<double>(position.value) / static_cast<double>(to.value));
    return true;
  }));
  progress.clear();
  const double rate = static_cast<double>(to.value) / progress.seconds();
  if (settings.json) {
    fmt::print("{{\"records\":{},\"records_per_second\":{:.0f}}}\n", to.value, rate);
  } else {
    fmt::print("rebuilt from {} records, {:.0f} records/s\n", to.value, rate);
  }
  return kDone;
}

// How far the rows of these read models have come: 0 where one was never built, which the next start does.
Position least_checkpoint(const storage::ViewStore& views, const std::vector<std::string>& names) {
  std::optional<Position> least;
  for (const std::string& name : names) {
    const auto checkpoint = need(views.checkpoint(name, views.generation(name)));
    const Position at = checkpoint ? checkpoint->position : Position{};
    least = std::min(least.value_or(at), at);
  }
  return least.value_or(Position{});
}

int check(const RebuildSettings& settings, const OpenLog& open, const storage::ViewStore& views) {
  projections::Team team(settings.threads);
  Progress progress("checked");
  const std::vector<std::string> names = chosen(settings.projection);
  const Position head = open.log->head().position;
  const auto total = static_cast<double>(std::max<std::uint64_t>(1, head.value));
  const projections::Compared compared =
      need(projections::check_generations(*open.log, views, names, team, [&](Position position) {
        progress.update_now(position.value, static_cast<double>(position.value) / total);
        return true;
      }));
  progress.clear();
  return report_check(
      {compared.rows, compared.differences, compared.first, least_checkpoint(views, names).value, head.value},
      settings.json);
}

int run_rebuild(const RebuildSettings& settings) {
  set_up_logging(LogFormat::text, "info");
  if (!settings.url.empty()) {
    const RemoteServer server{settings.url, settings.token, settings.json};
    return settings.check ? check_on_server(server, chosen(settings.projection))
                          : rebuild_on_server(server, chosen(settings.projection));
  }
  const OpenLog open = open_existing(settings.data);
  storage::ViewOptions options;
  options.keep_damaged = settings.check;
  const storage::OpenedViews opened = need(storage::open_view_store(*open.directory, options));
  return settings.check ? check(settings, open, *opened.store) : rebuild(settings, open, *opened.store);
}

}  // namespace

int report_check(const CheckFindings& found, bool json) {
  if (json) {
    std::string out = fmt::format(R"({{"ok":{},"rows":{},"position":{},"differences":{},"first":[)",
                                  found.differences == 0, found.rows, found.position, found.differences);
    for (const std::string& what : found.first) {
      if (out.back() != '[') out += ',';
      append_json_string(out, what);
    }
    fmt::print("{}]}}\n", out);
  } else if (found.differences == 0) {
    const bool behind = found.head > found.position;
    fmt::print("ok: {} rows are what the log says at position {}{}\n", found.rows, found.position,
               behind ? fmt::format("; the log is at {}", found.head) : "");
  } else {
    for (const std::string& what : found.first) fmt::print("{}\n", what);  // the finding is this command's result
  }
  if (found.differences == 0) return kDone;
  const std::string of = found.differences <= found.rows ? fmt::format(" of {}", found.rows) : "";  // some are missing
  throw Failed(fmt::format("{}{} rows differ: {}", found.differences, of, found.first.front()));
}

void add_rebuild(CLI::App& root, Run& run) {
  auto settings = std::make_shared<RebuildSettings>();
  CLI::App* command =
      root.add_subcommand("rebuild", "Build the read models anew from the log, or check them against it");
  auto* data =
      command->add_option("--data", settings->data, "The data directory; no server may hold it")->type_name("DIR");
  auto* url = command->add_option("--url", settings->url, "A running server instead")->type_name("URL")->excludes(data);
  auto* token =
      command->add_option("--token", settings->token, "For --url: a token with the scope operator")->type_name("ksr_…");
  url->needs(token);
  command->add_option("--projection", settings->projection, "Only this one: list, mode, stats or notifications")
      ->check(CLI::IsMember({"list", "mode", "stats", "notifications"}))
      ->type_name("NAME");
  command->add_option("--threads", settings->threads, "0: one a core (a running server has its own setting)")
      ->check(between(0, 256))
      ->type_name("N")
      ->excludes(url)
      ->capture_default_str();
  command->add_flag("--check", settings->check, "Compare with the log, row by row; change nothing");
  command->add_flag("--json", settings->json, "The result as JSON");
  command->callback([settings, &run] {
    if (settings->data.empty() && settings->url.empty()) throw CLI::RequiredError("--data (or --url and --token)");
    run = [settings] { return run_rebuild(*settings); };
  });
}

}  // namespace taskledger::app
