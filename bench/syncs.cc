// What a synced write to the log's write-ahead log takes by itself, by its size and by how far the file is filled with
// zeros ahead of it: no server, no RocksDB but its file system.
#include <fmt/format.h>
#include <rocksdb/file_system.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>

#include "bench/bench.h"
#include "storage/wal_writer.h"

namespace taskledger::bench {
namespace {

constexpr int kWrites = 1'000;

struct Cost {
  std::vector<double> mean_us, p99_us, cpu_us;  // of each round
};

double cpu_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& time) { return static_cast<double>(time.tv_sec) * 1e6 + double(time.tv_usec); };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

void need(const rocksdb::IOStatus& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

// As RocksDB writes its WAL: blocks are reserved for a memtable's worth.
void write_one_round(const std::string& path, std::size_t bytes, std::uint64_t fill, Cost& cost) {
  const auto files = storage::make_wal_writing_file_system(rocksdb::FileSystem::Default(), fill);
  std::unique_ptr<rocksdb::FSWritableFile> file;
  need(files->NewWritableFile(path, {}, &file, nullptr));
  file->SetPreallocationBlockSize(36 << 20);
  const std::string record(bytes, 'x');
  std::vector<double> took;
  const double cpu_before = cpu_us();
  for (int i = 0; i < kWrites; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    file->PrepareWrite(static_cast<std::size_t>(i) * bytes, bytes, {}, nullptr);
    need(file->Append(record, {}, nullptr));
    need(file->Sync({}, nullptr));
    took.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  cost.cpu_us.push_back((cpu_us() - cpu_before) / kWrites);
  need(file->Close({}, nullptr));
  need(files->DeleteFile(path, {}, nullptr));
  double sum = 0;
  for (const double one : took) sum += one;
  std::sort(took.begin(), took.end());
  cost.mean_us.push_back(sum / kWrites);
  cost.p99_us.push_back(took[kWrites * 99 / 100]);
}

}  // namespace

void run_syncs(const Settings& settings, const std::string& folder) {
  const std::string path = folder + "/000001.log";
  print(settings, fmt::format("\n| {} synced writes, bytes | filled ahead, KiB at most | mean us | p99 us | CPU us |\n"
                              "|---|---|---|---|---|",
                              kWrites));
  for (const std::size_t bytes : {1'000, 8'000, 24'000, 100'000}) {
    constexpr std::uint64_t kFills[] = {0, 64 << 10, 256 << 10, 1 << 20, 4 << 20};
    Cost costs[std::size(kFills)];
    for (unsigned round = 0; round < settings.rounds; ++round) {
      for (std::size_t i = 0; i < std::size(kFills); ++i) write_one_round(path, bytes, kFills[i], costs[i]);
    }
    for (std::size_t i = 0; i < std::size(kFills); ++i)
      print(settings, fmt::format("| {} | {} | {:.0f} | {:.0f} | {:.0f} |", bytes, kFills[i] >> 10,
                                  median(costs[i].mean_us), median(costs[i].p99_us), median(costs[i].cpu_us)));
  }
}

}  // namespace taskledger::bench
