// `backup` and `restore`: the log's copies, incremental, offline or through the running server.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "app/command.h"
#include "app/http_client.h"
#include "app/need.h"
#include "app/open_data.h"
#include "app/system.h"
#include "core/text.h"

namespace taskledger::app {
namespace {

struct BackupSettings {
  std::string data, to, key_file, url, token;
  bool json = false;
};
struct RestoreCommand {
  std::string from, id, data, erasures;
  bool json = false;
};

void print(const storage::BackedUp& made, bool json, const char* what) {
  if (json) {
    std::string path;
    append_json_string(path, made.path.string());
    fmt::print("{{\"id\":\"{}\",\"position\":{},\"path\":{}}}\n", made.id, made.position.value, path);
  } else {
    fmt::print("{} {}, position {}, {}\n", what, made.id, made.position.value, made.path.string());
    if (made.erased > 0) fmt::print("erased again: {} {}\n", made.erased, made.erased == 1 ? "task" : "tasks");
  }
}

int run_backup(const BackupSettings& settings) {
  if (!settings.url.empty()) {
    HttpPatience patience;
    patience.answer.reset();  // a large log takes its time
    fmt::print("{}\n", http_request_ok(settings.url, settings.token, "POST", "/api/v1/admin/backups", {}, patience));
    return kDone;
  }
  const OpenLog open = open_existing(settings.data, settings.key_file);
  const storage::BackedUp made = need(open.log->back_up(settings.to));
  if (settings.key_file.empty() && !std::filesystem::exists(open.directory->path() / "secret.key"))
    fmt::print(stderr, "the backup has no key, since {} has none: keep the server's --key-file, if there is one\n",
               settings.data);
  print(made, settings.json, "backup");
  return kDone;
}

int run_restore(const RestoreCommand& settings) {
  const storage::RestoreSettings how{settings.id, settings.erasures, system_now, system_random};
  print(need(storage::restore_backup(settings.from, settings.data, how)), settings.json, "restored backup");
  return kDone;
}

}  // namespace

void add_backup(CLI::App& root, Run& run) {
  auto settings = std::make_shared<BackupSettings>();
  CLI::App* command =
      root.add_subcommand("backup", "Back the log up: a data directory, or what a running server serves (--url)");
  auto* data = add_data_option(*command, settings->data)->required(false);
  auto* to =
      command->add_option("--to", settings->to, "Where backups are kept; each adds what is new")->type_name("DIR");
  command->add_option("--key-file", settings->key_file, "Where secret.key is, when not in the data directory")
      ->type_name("FILE");
  auto* url = command->add_option("--url", settings->url, "A running server; the backup goes into its --backup-dir")
                  ->type_name("URL");
  auto* token = command->add_option("--token", settings->token, "For --url; its scope: operator")->type_name("TOKEN");
  command->add_flag("--json", settings->json, "The result as JSON (always so with --url)");
  url->needs(token)->excludes(data)->excludes(to);
  command->callback([settings, &run] {
    if (settings->url.empty() && (settings->data.empty() || settings->to.empty()))
      throw CLI::RequiredError("--data and --to, or --url and --token,");
    run = [settings] { return run_backup(*settings); };
  });
}

void add_restore(CLI::App& root, Run& run) {
  auto settings = std::make_shared<RestoreCommand>();
  CLI::App* command = root.add_subcommand("restore", "Make a data directory from a backup");
  command->add_option("--from", settings->from, "Where backups are kept")->type_name("DIR")->required();
  command->add_option("--id", settings->id, "Which one; otherwise the latest")->type_name("ID");
  add_data_option(*command, settings->data);
  command
      ->add_option("--erasures", settings->erasures,
                   "A list of erasures beside that of the backups: the file 'erasures' of the lost data directory")
      ->type_name("FILE");
  command->add_flag("--json", settings->json, "The result as JSON");
  command->callback([settings, &run] { run = [settings] { return run_restore(*settings); }; });
}

}  // namespace taskledger::app
