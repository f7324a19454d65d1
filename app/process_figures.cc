#include "app/process_figures.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace taskledger::app {
namespace {

double boot_time() {
  std::ifstream stat("/proc/stat");
  for (std::string line; std::getline(stat, line);) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return 0;
}

}  // namespace

ProcessFigures process_figures() {
  ProcessFigures figures;
  std::ifstream stat("/proc/self/stat");
  std::string line;
  std::getline(stat, line);
  // The name in parentheses may hold anything; what follows it is fields 3 and on (man 5 proc).
  if (const auto end = line.rfind(')'); end != std::string::npos) {
    std::istringstream rest(line.substr(end + 1));
    std::string field;
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    for (int number = 3; number <= 24 && rest >> field; ++number) {
      if (number == 14 || number == 15) figures.cpu_seconds += std::stod(field) / ticks;
      if (number == 20) figures.threads = std::stoull(field);
      if (number == 22) figures.start_time_seconds = boot_time() + std::stod(field) / ticks;
      if (number == 23) figures.virtual_bytes = std::stoull(field);
      if (number == 24)
        figures.resident_bytes = std::stoull(field) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }
  }
  std::error_code ignored;
  for (std::filesystem::directory_iterator at("/proc/self/fd", ignored), end; at != end; at.increment(ignored))
    ++figures.open_fds;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.max_fds = limit.rlim_cur;
  return figures;
}

}  // namespace taskledger::app
