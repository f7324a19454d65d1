// `rebuild`: the read models anew from the log; `--check`: builds them beside the serving ones, and compares row by row.
#include <fmt/core.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "app/command.h"
#include "app/logging.h"
#include "app/need.h"
#include "app/open_data.h"
#include "app/progress.h"
#include "app/read_models.h"
#include "app/row_cursor.h"
#include "app/system.h"

namespace taskledger::app {
namespace {

struct RebuildSettings {
  std::string data, projection;
  bool check = false;
};

// A data directory beside the real one whose views are thrown away with it.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(const std::filesystem::path& beside) {
    std::string name = (beside / "check-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw Failed(beside.string() + ": cannot make a directory in it");
    path_ = name;
    directory_ = need(storage::DataDirectory::open(path_, {storage::DataDirectory::Access::exclusive, {}, system_random}));
  }
  ~ScratchDirectory() {
    directory_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  [[nodiscard]] storage::DataDirectory& get() { return *directory_; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<storage::DataDirectory> directory_;
};

std::vector<std::string> chosen(const projections::Runner& runner, const std::string& projection) {
  std::vector<std::string> names;
  for (const auto& status : runner.status()) {
    if (projection.empty() || projection == status.name) names.push_back(status.name);
  }
  return names;
}

void rebuild_one(const OpenLog& open, const std::string& projection) {
  storage::OpenedViews opened = need(storage::open_view_store(*open.directory));
  const std::uint64_t old = opened.store->generation(projection), fresh = need(opened.store->begin_generation(projection));
  need(opened.store->activate({{projection, fresh}}));  // without a checkpoint: the runner fills it from the log's start
  opened.store->drop(projection, old);
}

int rebuild(const RebuildSettings& settings, const OpenLog& open) {
  if (settings.projection.empty()) {
    std::filesystem::remove_all(open.directory->views());
  } else {
    rebuild_one(open, settings.projection);
  }
  const Progress timer("rebuilt");
  const ReadModelStores models = open_read_models(*open.directory, *open.log, {}, "rebuilding");
  models.runner->stop();
  const auto events = open.log->head().position.value;
  fmt::print("rebuilt from {} records, {:.0f} records/s\n", events, static_cast<double>(events) / timer.seconds());
  return kDone;
}

// The first row in which the two stores differ, as a line; empty: none.
std::string difference(const storage::ViewStore& serving, const storage::ViewStore& fresh, const std::string& projection,
                       std::uint64_t& rows) {
  RowCursor have(serving, projection), want(fresh, projection);
  while (have.valid() || want.valid()) {
    if (!want.valid() || (have.valid() && have.key() < want.key())) return fmt::format("{}: row {} should not be there", projection, to_hex(have.key()));
    if (!have.valid() || want.key() < have.key()) return fmt::format("{}: row {} is missing", projection, to_hex(want.key()));
    if (have.value() != want.value()) return fmt::format("{}: row {} differs", projection, to_hex(have.key()));
    have.next();
    want.next();
    ++rows;
  }
  return {};
}

int check(const RebuildSettings& settings, const OpenLog& open) {
  // One after the other, since a log has one observer. What lags behind the log is caught up, as a start would.
  { const ReadModelStores serving = open_read_models(*open.directory, *open.log, {}, "catching up"); serving.runner->stop(); }
  ScratchDirectory scratch(open.directory->path());
  const ReadModelStores fresh = open_read_models(scratch.get(), *open.log, {}, "building");
  fresh.runner->stop();
  const storage::OpenedViews serving = need(storage::open_view_store(*open.directory));
  std::uint64_t rows = 0;
  for (const std::string& projection : chosen(*fresh.runner, settings.projection)) {
    if (const std::string what = difference(*serving.store, *fresh.views, projection, rows); !what.empty()) throw Failed(what);
  }
  fmt::print("ok: {} rows are those of a rebuild\n", rows);
  return kDone;
}

int run_rebuild(const RebuildSettings& settings) {
  set_up_logging(LogFormat::text, "info");
  if (!std::filesystem::exists(settings.data)) throw Failed(settings.data + ": no such directory");
  const OpenLog open = open_to_write(settings.data);
  return settings.check ? check(settings, open) : rebuild(settings, open);
}

}  // namespace

void add_rebuild(CLI::App& root, Run& run) {
  auto settings = std::make_shared<RebuildSettings>();
  CLI::App* command = root.add_subcommand("rebuild", "Build the read models anew from the log, or check them against it");
  add_data_option(*command, settings->data);
  command->add_option("--projection", settings->projection, "Only this one: list, mode, stats or notifications")
      ->check(CLI::IsMember({"list", "mode", "stats", "notifications"}))
      ->type_name("NAME");
  command->add_flag("--check", settings->check, "Compare with a rebuild, row by row; change nothing");
  command->callback([settings, &run] { run = [settings] { return run_rebuild(*settings); }; });
}

}  // namespace taskledger::app
