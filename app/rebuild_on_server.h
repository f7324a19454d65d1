// Rebuilds and checks through the admin API of a running server: asked for, then watched until they are done.
// Throws Failed when the server refuses, or what was asked for fails.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace taskledger::app {

struct RemoteServer {
  std::string url, token;
  bool json = false;  // how results are printed
};

int rebuild_on_server(const RemoteServer& server, const std::vector<std::string>& names);
int check_on_server(const RemoteServer& server, const std::vector<std::string>& names);

struct CheckFindings {
  std::uint64_t rows = 0, differences = 0;
  std::vector<std::string> first;
  std::uint64_t position = 0;  // up to which the least of those checked had come
  std::uint64_t head = 0;      // the log's, where it is known
};
// Prints what a check found; Failed when something differs.
int report_check(const CheckFindings& found, bool json);

}  // namespace taskledger::app
