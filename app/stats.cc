// `stats`: how large the stores are, how far they go, and how far the read models lag.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "app/command.h"
#include "app/need.h"
#include "app/open_data.h"
#include "core/text.h"
#include "storage/rocks_view_store.h"

namespace taskledger::app {
namespace {

struct StatsSettings {
  std::string data;
  bool json = false;
};

struct WorkspaceLine {
  std::string name;
  std::uint64_t position = 0;
};
struct ProjectionLine {
  std::string name;
  std::uint64_t checkpoint = 0, generation = 0, lag = 0;
};
struct Figures {
  std::uint64_t position = 0, log_bytes = 0, views_bytes = 0;
  std::string hash;
  std::vector<WorkspaceLine> workspaces;
  std::vector<ProjectionLine> projections;
};

std::uint64_t bytes_under(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file(error)) bytes += entry.file_size(error);
  }
  return bytes;
}

Figures read_figures(const std::string& data) {
  const OpenLog open = open_existing(data);
  projections::Directory directory;
  fold_directory(*open.log, directory);
  Figures figures;
  const storage::Head head = open.log->head();
  figures.position = head.position.value;
  figures.hash = storage::to_hex(head.hash);
  figures.log_bytes = bytes_under(open.directory->log());
  figures.views_bytes = bytes_under(open.directory->views());
  for (const Workspace& workspace : directory.workspaces())
    figures.workspaces.push_back({workspace.name, open.log->workspace_head(workspace.number).position.value});
  storage::ViewOptions options;
  options.keep_damaged = true;
  const storage::OpenedViews views = need(storage::open_view_store(*open.directory, options));
  for (const char* name : {"list", "mode", "stats", "notifications"}) {
    const std::uint64_t generation = views.store->generation(name);
    const auto checkpoint = need(views.store->checkpoint(name, generation));
    if (!checkpoint) continue;
    const std::uint64_t position = checkpoint->position.value;  // beyond the log's of a directory put together from two
    figures.projections.push_back(
        {name, position, generation, figures.position - std::min(position, figures.position)});
  }
  return figures;
}

void print_json(const Figures& figures) {
  std::string out = fmt::format(R"({{"position":{},"hash":"{}","log_bytes":{},"views_bytes":{},"workspaces":[)",
                                figures.position, figures.hash, figures.log_bytes, figures.views_bytes);
  for (const WorkspaceLine& workspace : figures.workspaces) {
    if (out.back() == '}') out += ',';
    out += "{\"name\":";
    append_json_string(out, workspace.name);
    out += fmt::format(",\"position\":{}}}", workspace.position);
  }
  out += "],\"projections\":[";
  for (const ProjectionLine& projection : figures.projections) {
    if (out.back() == '}') out += ',';
    out += fmt::format(R"({{"name":"{}","generation":{},"checkpoint":{},"lag":{}}})", projection.name,
                       projection.generation, projection.checkpoint, projection.lag);
  }
  fmt::print("{}]}}\n", out);
}

void print_text(const Figures& figures) {
  constexpr double kMegabyte = 1 << 20;
  fmt::print("log        {} records, {:.1f} MB, head {}\n", figures.position,
             static_cast<double>(figures.log_bytes) / kMegabyte, figures.hash);
  fmt::print("views      {:.1f} MB\n", static_cast<double>(figures.views_bytes) / kMegabyte);
  for (const ProjectionLine& projection : figures.projections)
    fmt::print("projection {}: generation {}, checkpoint {}, lag {}\n", projection.name, projection.generation,
               projection.checkpoint, projection.lag);
  for (const WorkspaceLine& workspace : figures.workspaces)
    fmt::print("workspace  {}: {} events\n", workspace.name, workspace.position);
}

int run_stats(const StatsSettings& settings) {
  const Figures figures = read_figures(settings.data);
  settings.json ? print_json(figures) : print_text(figures);
  return kDone;
}

}  // namespace

void add_stats(CLI::App& root, Run& run) {
  auto settings = std::make_shared<StatsSettings>();
  CLI::App* command = root.add_subcommand("stats", "Sizes, positions and lag");
  add_data_option(*command, settings->data);
  command->add_flag("--json", settings->json, "As JSON");
  command->callback([settings, &run] { run = [settings] { return run_stats(*settings); }; });
}

}  // namespace taskledger::app
