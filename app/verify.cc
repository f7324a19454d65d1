// `verify`: walks the whole log: chains, versions, gaps, indexes; and whether a head that somebody kept is still on it.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <thread>

#include "app/command.h"
#include "app/kept_head.h"
#include "app/need.h"
#include "app/open_data.h"
#include "app/progress.h"
#include "storage/verify.h"

namespace taskledger::app {
namespace {

struct VerifySettings {
  std::string data, head_file, workspace;
  unsigned threads = 0;
};

void check_kept_head(const VerifySettings& settings, const OpenReader& open) {
  const KeptHead kept = read_kept_head(settings.head_file);
  projections::Directory directory;
  fold_directory(*open.log, directory);
  const auto workspaces = directory.workspaces();
  if (settings.workspace.empty() && !kept.workspace && workspaces.size() != 1)
    throw Failed(settings.head_file + ": of which workspace? Say it with --workspace");
  Workspace workspace;
  if (!settings.workspace.empty()) {
    workspace = workspace_named(directory, settings.workspace);
  } else if (kept.workspace) {
    const auto named = directory.workspace(*kept.workspace);
    if (!named) throw Failed(settings.head_file + ": its workspace is not in this log");
    workspace = *named;
  } else {
    workspace = workspaces.front();
  }
  need(storage::verify_kept_head(*open.log, workspace.number, kept.head));
}

int run_verify(const VerifySettings& settings) {
  const OpenReader open = open_to_read(settings.data);
  Progress progress("verified");
  storage::VerifyOptions options;
  options.threads = settings.threads > 0 ? settings.threads : std::max(1u, std::thread::hardware_concurrency());
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.update(done, static_cast<double>(done) / static_cast<double>(std::max<std::uint64_t>(total, 1)));
  };
  const auto verified = storage::verify_log(*open.directory, options);
  if (!verified) {
    fmt::print("{}\n", verified.error().what);  // the finding is this command's result
    throw Failed(settings.data + ": " + verified.error().what);
  }
  if (!settings.head_file.empty()) check_kept_head(settings, open);
  fmt::print("ok: {} events, head {}\n", verified->events, storage::to_hex(verified->head.hash));
  return kDone;
}

}  // namespace

void add_verify(CLI::App& root, Run& run) {
  auto settings = std::make_shared<VerifySettings>();
  CLI::App* command = root.add_subcommand("verify", "Walk the log and check its hash chains, versions and gaps; may run beside a server");
  add_data_option(*command, settings->data);
  command->add_option("--head", settings->head_file, "A head of a workspace kept earlier (JSON): nothing before it was altered")->type_name("FILE");
  command->add_option("--workspace", settings->workspace, "The workspace of --head, when there are several")->type_name("NAME");
  command->add_option("--threads", settings->threads, "0: one a core")->type_name("N")->capture_default_str();
  command->callback([settings, &run] { run = [settings] { return run_verify(*settings); }; });
}

}  // namespace taskledger::app
