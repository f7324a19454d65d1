// The command line as a whole: parses, runs the chosen command, and turns every way to fail into one line on stderr and
// an exit code. Settings come from flags, then the environment (TASKLEDGER_<FLAG>), then `--config FILE`.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace taskledger::app {

// 0: done; 1: what was asked for failed or was found wrong; 2: wrong usage.
int run_command_line(int argc, char** argv);

// "--tls-cert" is TASKLEDGER_TLS_CERT in the environment.
std::string environment_name(const std::string& flag);

// Declares `--config FILE` for `command`: `name = value` lines (TOML or INI) with the names of its flags. Values count
// where neither flag nor environment gave one; a name that is no flag of the command is wrong usage.
void add_config_option(CLI::App& command);

}  // namespace taskledger::app
