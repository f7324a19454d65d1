// What the benchmarks of the real server share: data sets, servers, alternating runs, tables. Everything they measure
// runs alternately in one call, since machines are shared and noisy; medians are quoted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/load.h"
#include "bench/process.h"
#include "core/clock.h"

namespace taskledger::bench {

struct Settings {
  std::string binary;                 // the server
  std::string self;                   // this program, for the ceiling
  std::uint64_t events = 10'000'000;  // of the log that `rebuild` reads
  std::vector<std::uint64_t> sizes{10'000, 100'000, 1'000'000};
  unsigned connections = 64, threads = 1, rounds = 3;
  double seconds = 3, warmup = 1;
  std::uint64_t seed = 1;
  std::string against;  // of `writes`: another build of the server, to be run in turns with it
  std::string only;     // run only cases whose name contains this
  std::string folder;   // where data lives; empty: a temporary one
  std::string report;   // also append the table to this file
};

// A running server over a data directory, and a token for it. Owner: the caller; ends with it.
class TestServer {
 public:
  // Imports a data set of `tasks` (0: none) into `folder` unless it is there already, makes a token, starts the server.
  TestServer(const Settings& settings, std::string folder, std::uint64_t tasks, std::vector<std::string> flags = {});
  void start();  // again, after stop()
  void stop(int signal = 15) { process_->stop(signal); }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::string& token() const { return token_; }
  [[nodiscard]] const Process& process() const { return *process_; }
  [[nodiscard]] double import_seconds() const { return import_seconds_; }
  [[nodiscard]] std::uint64_t tasks() const { return tasks_; }

 private:
  const Settings& settings_;
  std::string folder_, token_;
  std::uint64_t tasks_;
  std::vector<std::string> flags_;
  std::uint16_t port_ = 0;
  double import_seconds_ = 0;
  std::unique_ptr<Process> process_;
};

// The bare server answering `answer` to everything, with as many threads as ours.
class Ceiling {
 public:
  Ceiling(const Settings& settings, const std::string& answer);
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const Process& process() const { return *process_; }

 private:
  TemporaryFolder folder_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Process> process_;
};

[[nodiscard]] double median(std::vector<double> values);
[[nodiscard]] std::int64_t now_ms();  // of the system's clock
[[nodiscard]] std::uint16_t free_port();
[[nodiscard]] double processor_seconds(int whose);  // as getrusage()
[[nodiscard]] RandomBytes random_bytes();
// Writes to stdout and the report file.
void print(const Settings& settings, const std::string& line);
[[nodiscard]] std::string machine();  // cores, processor, memory, kernel: one line

// One subject of an alternating comparison.
struct Subject {
  std::string name;
  std::uint16_t port = 0;
  NextRequest next;
  const Process* process = nullptr;  // whose CPU time is counted
};
// Runs each subject `rounds` times in turn; the result of each is the median of every figure (errors are summed).
[[nodiscard]] std::vector<LoadResult> alternate(const Settings& settings, const std::vector<Subject>& subjects,
                                                unsigned connections, unsigned idle = 0);

int run_reads(const Settings& settings);
int run_rebuild(const Settings& settings);
int run_writes(const Settings& settings);
int run_webhooks(const Settings& settings);
// A part of `writes`, which needs no server.
void run_syncs(const Settings& settings, const std::string& folder);
int run_soak(const Settings& settings, double minutes, double rate);

}  // namespace taskledger::bench
