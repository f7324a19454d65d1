// What a synced commit to the log takes by itself, by its size and by how far the write-ahead log is filled with zeros
// ahead of it: no server, one commit at a time.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "bench/bench.h"
#include "storage/append_and_wait.h"
#include "storage/data_directory.h"
#include "storage/rocks_event_log.h"

namespace taskledger::bench {
namespace {

constexpr int kCommits = 1'000;

struct Cost {
  std::vector<double> mean_us, p99_us, cpu_us;  // of each round
};

storage::Commit commit_of(std::size_t bytes, const RandomBytes& random) {
  storage::Commit commit;
  commit.workspace = WorkspaceNumber{1};
  Uuid stream;
  random(stream.bytes);
  commit.expected.push_back({stream, Version{0}, true});
  storage::NewRecord record;
  record.stream = stream;
  record.type = 1;
  record.payload = std::string(bytes, 'x');
  commit.records.push_back(std::move(record));
  return commit;
}

void commit_for_a_round(const std::string& data, std::size_t bytes, std::size_t fill, Cost& cost) {
  const RandomBytes random = random_bytes();
  auto directory = storage::DataDirectory::open(data, {storage::DataDirectory::Access::exclusive, {}, random});
  if (!directory) throw std::runtime_error(directory.error().what);
  storage::LogOptions options;
  options.clock = [] { return Timestamp{now_ms()}; };
  options.random = random;
  options.wal_fill_bytes = fill;
  auto log = storage::open_event_log(**directory, std::move(options));
  if (!log) throw std::runtime_error(log.error().what);
  std::vector<double> took;
  const double before = processor_seconds(RUSAGE_SELF);
  for (int i = 0; i < kCommits; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    if (!storage::append_and_wait(**log, commit_of(bytes, random))) throw std::runtime_error("a commit failed");
    took.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  cost.cpu_us.push_back((processor_seconds(RUSAGE_SELF) - before) * 1e6 / kCommits);
  double sum = 0;
  for (const double one : took) sum += one;
  std::sort(took.begin(), took.end());
  cost.mean_us.push_back(sum / kCommits);
  cost.p99_us.push_back(took[kCommits * 99 / 100]);
}

}  // namespace

void run_syncs(const Settings& settings, const std::string& folder) {
  const std::string data = folder + "/syncs";
  print(settings,
        fmt::format("\n| {} synced commits, bytes | WAL filled ahead, KiB at most | mean us | p99 us | CPU us |"
                    "\n|---|---|---|---|---|",
                    kCommits));
  for (const std::size_t bytes : {300, 8'000, 24'000, 100'000}) {
    constexpr std::size_t kFills[] = {0, 64 << 10, 256 << 10, 1 << 20, 4 << 20};
    Cost costs[std::size(kFills)];
    for (unsigned round = 0; round < settings.rounds; ++round) {
      for (std::size_t i = 0; i < std::size(kFills); ++i) {
        commit_for_a_round(data, bytes, kFills[i], costs[i]);
        std::filesystem::remove_all(data);
      }
    }
    for (std::size_t i = 0; i < std::size(kFills); ++i)
      print(settings, fmt::format("| {} | {} | {:.0f} | {:.0f} | {:.0f} |", bytes, kFills[i] >> 10,
                                  median(costs[i].mean_us), median(costs[i].p99_us), median(costs[i].cpu_us)));
  }
}

}  // namespace taskledger::bench
