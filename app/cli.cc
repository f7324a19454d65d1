#include "app/cli.h"

#include <fmt/core.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "app/command.h"

namespace taskledger::app {
namespace {

// A line for people: no newline inside, whatever a library put there.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

void complain(const std::string& text) { fmt::print(stderr, "taskledger: {}\n", one_line(text)); }

// Every long flag can be given in the environment, and `--version` is everywhere.
void finish_declaring(CLI::App& command, const std::string& version) {
  for (CLI::Option* option : command.get_options()) {
    const auto& names = option->get_lnames();
    if (!names.empty() && names.front() != "help") option->envname(environment_name(names.front()));
  }
  command.set_version_flag("--version", version);
  for (CLI::App* nested : command.get_subcommands([](const CLI::App*) { return true; }))
    finish_declaring(*nested, version);
}

void read_config(CLI::App& command, const std::string& path) {
  if (command.count() == 0) return;  // named in the environment while another command runs
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_file(path)) {
    if (item.name == "++" || item.name == "--") continue;  // opening and closing of a section
    CLI::Option* option = item.parents.empty() ? command.get_option_no_throw("--" + item.name) : nullptr;
    if (option == nullptr || item.name == "config" || item.name == "help" || item.name == "version")
      throw CLI::ConfigError(path + ": unknown setting '" + item.fullname() + "'", CLI::ExitCodes::ConfigError);
    if (option->count() > 0) continue;
    for (const std::string& value : item.inputs) option->add_result(value);
  }
}

int run(Run& chosen) {
  try {
    const int code = chosen();
    errno = 0;
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    complain(std::string("stdout: ") + (errno != 0 ? std::strerror(errno) : "not all of the result could be written"));
    return kFailed;
  } catch (const std::exception& error) {
    complain(error.what());
    return kFailed;
  }
}

}  // namespace

std::string environment_name(const std::string& flag) {
  std::string name = "TASKLEDGER_";
  for (const char c : flag) name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

void add_config_option(CLI::App& command) {
  command.add_option_function<std::string>(
      "--config", [&command](const std::string& path) { read_config(command, path); },
      "File of settings, `name = value` a line, named as these flags; flags and environment come first");
}

CLI::Option* add_data_option(CLI::App& command, std::string& directory) {
  return command.add_option("--data", directory, "The data directory")->type_name("DIR")->required();
}

int run_command_line(int argc, char** argv) {
  CLI::App root{"Taskledger: a tasks API on an event log that never forgets.", "taskledger"};
  root.require_subcommand(1);
  root.footer("Every flag can also be given in the environment: --data as TASKLEDGER_DATA, and so on.");
  root.get_formatter()->column_width(34);
  signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is a failing disk: an error, and reads go on
  Run chosen;
  for (const auto add : {add_serve, add_token, add_import, add_export, add_events, add_replay, add_verify, add_rebuild,
                         add_backup, add_restore, add_stats})
    add(root, chosen);
  finish_declaring(root, "taskledger " TASKLEDGER_VERSION);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
      return root.exit(error);  // --help, --version
    complain(error.what());
    return kWrongUsage;
  }
  return run(chosen);
}

}  // namespace taskledger::app
