// Rebuilds and checks through the admin API of a running server: asked for, then watched until they are done.
// Throws Failed when the server refuses, or what was asked for fails.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace taskledger::app {

struct RemoteServer {
  std::string url, token;
};

int rebuild_on_server(const RemoteServer& server, const std::vector<std::string>& names);
int check_on_server(const RemoteServer& server, const std::vector<std::string>& names);

// Prints what a check found; Failed when something differs.
int report_check(std::uint64_t rows, std::uint64_t differences, const std::vector<std::string>& first);

}  // namespace taskledger::app
