// What the commands of this folder share: how each joins the command line, and how it fails.
// Every command is one file: `add_X` declares its options, and when it was chosen sets `run` to what is to be done.
// A command prints results on stdout; a failure is a `Failed` with one line for stderr, and exit code 1.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace CLI {
class App;
class Option;
class Validator;
}  // namespace CLI

namespace taskledger::app {

// The thing asked for failed, or was found wrong. Its text is one line that a user can act upon.
struct Failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum ExitCode : int { kDone = 0, kFailed = 1, kWrongUsage = 2 };

using Run = std::function<int()>;

void add_serve(CLI::App& root, Run& run);
void add_token(CLI::App& root, Run& run);
void add_import(CLI::App& root, Run& run);
void add_export(CLI::App& root, Run& run);
void add_events(CLI::App& root, Run& run);
void add_verify(CLI::App& root, Run& run);
void add_replay(CLI::App& root, Run& run);
void add_rebuild(CLI::App& root, Run& run);
void add_backup(CLI::App& root, Run& run);
void add_restore(CLI::App& root, Run& run);
void add_stats(CLI::App& root, Run& run);

// Checks of flags that are counts.
CLI::Validator at_least(std::uint64_t least);
CLI::Validator between(std::uint64_t least, std::uint64_t most);
// And of those that choose something: given as '' (a variable of a script that is not set) they would choose all.
CLI::Validator not_empty();
// Declares the `--data DIR` that every command has.
CLI::Option* add_data_option(CLI::App& command, std::string& directory);

}  // namespace taskledger::app
