#include "tests/architecture/include_rules.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace taskledger::architecture {
namespace {

using Names = std::set<std::string_view>;

const std::map<std::string_view, Names> kMayInclude = {
    {"core", {"core"}},
    {"storage", {"storage", "core"}},
    {"projections", {"projections", "storage", "core"}},
    {"commands", {"commands", "storage", "core"}},
    {"reactors", {"reactors", "commands", "projections", "storage", "core"}},
    {"http", {"http", "reactors", "commands", "projections", "storage", "core"}},
    {"app", {"app", "http", "reactors", "commands", "projections", "storage", "core"}},
};
const std::array<std::string_view, 6> kClockReads = {
    "system_clock::now", "gettimeofday", "CLOCK_REALTIME", "time(nullptr)", "time(NULL)", "std::time(",
};

std::string_view folder_of(std::string_view path) { return path.substr(0, path.find('/')); }

// "tests/storage/x.cc" stands for storage, "http/x.cc" for http.
std::string_view layer_of(std::string_view path) {
  return folder_of(path) == "tests" ? folder_of(path.substr(6)) : folder_of(path);
}

// The name between the quotes or angle brackets of an #include line; empty for any other line.
std::string_view included(std::string_view line) {
  const auto hash = line.find_first_not_of(" \t");
  if (hash == std::string_view::npos || line[hash] != '#') return {};
  if (line.find("include", hash) == std::string_view::npos) return {};
  const auto open = line.find_first_of("\"<", hash);
  if (open == std::string_view::npos) return {};
  const auto close = line.find_first_of("\">", open + 1);
  return line.substr(open + 1, close - open - 1);
}

std::string check_include(std::string_view path, std::string_view name) {
  const std::string_view layer = layer_of(path);
  const bool shipped = kMayInclude.contains(folder_of(path));
  if (name.starts_with("rocksdb/") && layer != "storage" && layer != "faults") return "RocksDB belongs to storage";
  if ((name.starts_with("boost/asio") || name.starts_with("boost/beast")) && layer != "http" && layer != "reactors" &&
      layer != "app" && folder_of(path) != "bench")
    return "Asio and Beast belong to http, reactors and app";
  const std::string_view target = folder_of(name);
  if (shipped && (target == "tests" || target == "bench")) return "the product does not include its tests";
  if (shipped && name.find('/') != std::string_view::npos && kMayInclude.contains(target) &&
      !kMayInclude.at(folder_of(path)).contains(target))
    return "an include against the arrows";
  return {};
}

}  // namespace

std::vector<std::string> violations(std::string_view path, std::string_view text) {
  std::vector<std::string> found;
  const auto report = [&](std::size_t line, std::string_view what) {
    found.push_back(std::string(path) + ":" + std::to_string(line) + ": " + std::string(what));
  };
  const bool reads_clock_freely = folder_of(path) == "app" || folder_of(path) == "tests" || folder_of(path) == "bench";
  if (path.ends_with(".h") && folder_of(path) != "bench" && !text.starts_with("//"))
    report(1, "a header opens with a comment");
  if (path.ends_with(".h") && text.find("#pragma once") == std::string_view::npos) report(1, "no #pragma once");
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (const std::string_view name = included(line); !name.empty()) {
      if (const std::string what = check_include(path, name); !what.empty())
        report(number, what + ": " + std::string(name));
    }
    if (reads_clock_freely) continue;
    for (const std::string_view read : kClockReads) {
      if (line.find(read) != std::string_view::npos)
        report(number, "the system clock is read in app alone: " + std::string(read));
    }
  }
  return found;
}

}  // namespace taskledger::architecture
