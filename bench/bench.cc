#include "bench/bench.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <thread>

#include "bench/dataset.h"

namespace taskledger::bench {

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

double processor_seconds(int whose) {
  rusage used{};
  ::getrusage(whose, &used);
  const auto of = [](const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; };
  return of(used.ru_utime) + of(used.ru_stime);
}

RandomBytes random_bytes() {
  return [](std::span<std::uint8_t> out) {
    thread_local std::mt19937_64 random{std::random_device{}()};
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
  };
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    throw std::runtime_error("no free port");
  ::close(fd);
  return ntohs(address.sin_port);
}

void print(const Settings& settings, const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
  if (!settings.report.empty()) std::ofstream(settings.report, std::ios::app) << line << '\n';
}

std::string machine() {
  std::string model = "unknown processor", line;
  for (std::ifstream file("/proc/cpuinfo"); std::getline(file, line);)
    if (line.starts_with("model name")) {
      model = line.substr(line.find(':') + 2);
      break;
    }
  utsname name{};
  ::uname(&name);
  const double memory = double(::sysconf(_SC_PHYS_PAGES)) * double(::sysconf(_SC_PAGESIZE)) / double(1 << 30);
  return fmt::format("{} cores ({}), {:.0f} GiB, {} {}", std::thread::hardware_concurrency(), model, memory,
                     name.sysname, name.release);
}

TestServer::TestServer(const Settings& settings, std::string folder, std::uint64_t tasks,
                       std::vector<std::string> flags)
    : settings_(settings), folder_(std::move(folder)), tasks_(tasks), flags_(std::move(flags)) {
  const std::string data = folder_ + "/data", token_file = folder_ + "/token";
  if (!std::filesystem::exists(token_file)) {
    std::filesystem::create_directories(folder_);
    if (tasks > 0) {
      const std::string lines = folder_ + "/events.ndjson";
      const auto now =
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
              .count();
      write_dataset(lines, tasks, settings.seed, now);
      const auto start = std::chrono::steady_clock::now();
      (void)run_to_end({settings.binary, "import", "--data", data, "--workspace", "bench", lines});
      import_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      std::filesystem::remove(lines);
    }
    std::string token =
        run_to_end({settings.binary, "token", "create", "--data", data, "--workspace", "bench", "--user", user_id(0),
                    "--scopes", "tasks:read,tasks:write,audit:read,admin,operator"});
    std::ofstream(token_file) << token.substr(0, token.find('\n'));
  }
  std::getline(std::ifstream(token_file) >> std::ws, token_);
  start();
}

void TestServer::start() {
  std::vector<std::string> command{
      settings_.binary, "serve",        "--data", folder_ + "/data", "--listen",
      "127.0.0.1:0",    "--access-log", "0",      "--threads",       std::to_string(settings_.threads)};
  command.insert(command.end(), flags_.begin(), flags_.end());
  process_ = std::make_unique<Process>(command, "listening on");
  const auto& line = process_->ready_line();
  port_ = std::uint16_t(std::atoi(line.c_str() + line.rfind(':') + 1));
}

Ceiling::Ceiling(const Settings& settings, const std::string& answer) : port_(free_port()) {
  const std::string file = folder_.path() + "/answer";
  std::ofstream(file, std::ios::binary) << answer;
  process_ = std::make_unique<Process>(
      std::vector<std::string>{settings.self, "ceiling", std::to_string(port_), std::to_string(settings.threads), file},
      "ready");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // its threads bind after the line
}

std::vector<LoadResult> alternate(const Settings& settings, const std::vector<Subject>& subjects, unsigned connections,
                                  unsigned idle) {
  std::vector<std::vector<LoadResult>> runs(subjects.size());
  for (unsigned round = 0; round < settings.rounds; ++round)
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const double before = subjects[i].process ? subjects[i].process->cpu_seconds() : 0;
      auto result =
          run_load({subjects[i].port, connections, settings.seconds, settings.warmup, idle}, subjects[i].next);
      if (subjects[i].process && result.answered > 0)
        result.server_us = (subjects[i].process->cpu_seconds() - before) * 1e6 / double(result.answered);
      runs[i].push_back(result);
    }
  std::vector<LoadResult> results;
  for (const auto& run : runs) {
    const auto of = [&](auto member) {
      std::vector<double> values;
      for (const auto& result : run) values.push_back(double(result.*member));
      return median(values);
    };
    LoadResult result;
    result.requests_per_second = of(&LoadResult::requests_per_second);
    result.p50_ms = of(&LoadResult::p50_ms), result.p99_ms = of(&LoadResult::p99_ms),
    result.p999_ms = of(&LoadResult::p999_ms);
    result.max_ms = of(&LoadResult::max_ms), result.generator_cores = of(&LoadResult::generator_cores);
    result.server_us = of(&LoadResult::server_us);
    for (const auto& one : run)
      result.requests += one.requests, result.errors += one.errors, result.unavailable += one.unavailable;
    results.push_back(result);
  }
  return results;
}

}  // namespace taskledger::bench
