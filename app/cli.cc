#include "app/cli.h"

#include <fmt/core.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

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

// The words of a command line, up to the command that they choose and the flags they give.
struct Words {
  CLI::App* command;
  std::set<CLI::Option*> given;
  std::string unknown;  // the first word that is neither
};

std::vector<CLI::App*> commands_of(CLI::App& of) {
  return of.get_subcommands([](CLI::App*) { return true; });
}

Words read_words(CLI::App& root, int argc, char** argv) {
  Words words{&root, {}, {}};
  for (int i = 1; i < argc; ++i) {
    const std::string_view word(argv[i]);
    if (word == "--") break;
    if (word.starts_with('-')) {
      const std::string name(word.substr(0, word.find('=')));
      CLI::Option* option = words.command->get_option_no_throw(name);
      if (option != nullptr) words.given.insert(option);
      if (option == nullptr && words.unknown.empty()) words.unknown = name;
    } else {
      const auto nested = commands_of(*words.command);
      const auto named =
          std::find_if(nested.begin(), nested.end(), [&](const CLI::App* one) { return one->get_name() == word; });
      if (named != nested.end()) {
        words.command = *named;
      } else if (words.unknown.empty() && !nested.empty()) {
        words.unknown = word;
      }
    }
  }
  return words;
}

// Flags come before the environment: what a given flag excludes is not taken from there.
void overrule_environment(const Words& words) {
  for (CLI::Option* option : words.given) {
    for (CLI::Option* excluded : option->get_excludes()) {
      if (!words.given.contains(excluded)) excluded->envname({});
    }
  }
}

// Editors of Windows put one before UTF-8.
std::string without_byte_order_mark(const std::string& path) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::ifstream file(path);
  if (!file) throw CLI::FileError::Missing(path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  return text;
}

void read_config(CLI::App& command, const std::string& path) {
  if (command.count() == 0) return;  // named in the environment while another command runs
  if (std::error_code error; std::filesystem::is_directory(path, error))
    throw CLI::FileError(path + " is a directory", CLI::ExitCodes::FileError);
  std::istringstream text(without_byte_order_mark(path));
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(text)) {
    if (item.name == "++" || item.name == "--") continue;  // opening and closing of a section
    CLI::Option* option = item.parents.empty() ? command.get_option_no_throw("--" + item.name) : nullptr;
    if (option == nullptr || item.name == "config" || item.name == "help" || item.name == "version")
      throw CLI::ConfigError(path + ": unknown setting '" + item.fullname() + "'", CLI::ExitCodes::ConfigError);
    if (option->count() > 0) continue;
    for (const std::string& value : item.inputs) option->add_result(value);
    try {
      option->run_callback();  // now, so that what is wrong with it can be told with the file's name
    } catch (const CLI::ParseError& error) {
      throw CLI::ConfigError(fmt::format("{}: {}", path, error.what()), CLI::ExitCodes::ConfigError);
    }
  }
}

std::string path_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name() : path_of(*parent) + " " + command.get_name();
}

// The variables that gave the command its flags.
std::string used_variables(const Words& words) {
  std::string names;
  for (CLI::Option* option : words.command->get_options()) {
    const std::string name = option->get_envname();
    if (name.empty() || words.given.contains(option) || std::getenv(name.c_str()) == nullptr) continue;
    names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

std::string explain(const CLI::ParseError& error, const Words& words) {
  const std::string path = path_of(*words.command);
  const bool no_command = !commands_of(*words.command).empty();
  if (no_command && words.unknown.empty()) return fmt::format("{} needs a command: see {} --help", path, path);
  const bool unexpected = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  if (!words.unknown.empty() && (no_command || unexpected))
    return fmt::format("there is no '{}': see {} --help", words.unknown, path);
  const std::string variables = used_variables(words);
  if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr && !variables.empty())
    return fmt::format("{} (set in the environment: {})", error.what(), variables);
  return error.what();
}

std::optional<std::uint64_t> whole_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

int run(Run& chosen) {
  try {
    const int code = chosen();
    errno = 0;
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    complain(std::string("stdout: ") + (errno != 0 ? std::strerror(errno) : "not all of the result could be written"));
    return kFailed;
  } catch (const std::system_error& error) {
    complain(std::ferror(stdout) != 0 ? "stdout: " + error.code().message() : error.what());
    return kFailed;
  } catch (const CLI::ParseError& error) {  // of what only the command could tell
    complain(error.what());
    return kWrongUsage;
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
  command
      .add_option_function<std::string>(
          "--config", [&command](const std::string& path) { read_config(command, path); },
          "File of settings, `name = value` a line, named as these flags; flags and environment come first")
      ->type_name("FILE");
}

CLI::Validator at_least(std::uint64_t least) {
  return CLI::Validator(
      [least](const std::string& text) {
        const auto number = whole_number(text);
        if (number && *number >= least) return std::string();
        return fmt::format("must be a whole number of at least {}, not {}", least, text);
      },
      "");
}

CLI::Validator between(std::uint64_t least, std::uint64_t most) {
  return CLI::Validator(
      [least, most](const std::string& text) {
        const auto number = whole_number(text);
        if (number && *number >= least && *number <= most) return std::string();
        return fmt::format("must be a whole number from {} to {}, not {}", least, most, text);
      },
      fmt::format("{} to {}", least, most));
}

CLI::Validator not_empty() {
  return CLI::Validator([](const std::string& text) { return text.empty() ? "must not be empty" : std::string(); }, "");
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
  const Words words = read_words(root, argc, argv);
  overrule_environment(words);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
      return root.exit(error);  // --help, --version
    complain(explain(error, words));
    return kWrongUsage;
  }
  return run(chosen);
}

}  // namespace taskledger::app
