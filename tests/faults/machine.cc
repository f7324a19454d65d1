#include "tests/faults/machine.h"

#include <rocksdb/system_clock.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace taskledger::faults {
namespace {

// RocksDB waits a second after each failure in the background; a thousand runs would spend their time on that.
class HastyClock final : public rocksdb::SystemClockWrapper {
 public:
  HastyClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "HastyClock"; }
  void SleepForMicroseconds(int micros) override { target_->SleepForMicroseconds(std::min(micros, 500)); }
};

class FaultEnv final : public rocksdb::EnvWrapper {
 public:
  explicit FaultEnv(std::unique_ptr<rocksdb::Env> base) : EnvWrapper(base.get()), base_(std::move(base)) {
    file_system_ = base_->GetFileSystem();
    system_clock_ = std::make_shared<HastyClock>();
  }
  static const char* kClassName() { return "FaultEnv"; }
  const char* Name() const override { return kClassName(); }

 private:
  std::unique_ptr<rocksdb::Env> base_;
};

}  // namespace

FastFolder::FastFolder() {
  std::error_code none;
  const bool shared_memory = std::filesystem::is_directory("/dev/shm", none);
  std::string name = ((shared_memory ? "/dev/shm" : std::filesystem::temp_directory_path()) /
                      std::filesystem::path("taskledger-faults-XXXXXX"))
                         .string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
  path_ = name;
}

FastFolder::~FastFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Machine::Machine(std::uint64_t seed)
    : disk_(std::make_shared<FaultFileSystem>(seed)),
      env_(std::make_unique<FaultEnv>(rocksdb::NewCompositeEnv(disk_))),
      random_(seed << 32),
      wal_fill_bytes_(std::array<std::size_t, 4>{0, 8 << 10, 64 << 10, 1 << 20}[seed % 4]) {}

RandomBytes Machine::random() {
  return [this](std::span<std::uint8_t> out) {
    for (auto& byte : out) {  // splitmix64, a byte at a time
      std::uint64_t z = random_ += 0x9e3779b97f4a7c15ull;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
      byte = static_cast<std::uint8_t>((z ^ (z >> 27)) >> 24);
    }
  };
}

std::optional<std::string> Machine::open_log() {
  auto directory =
      storage::DataDirectory::open(folder_.path() / "data", {storage::DataDirectory::Access::exclusive, {}, random()});
  if (!directory) return directory.error().what;
  directory_ = std::move(*directory);
  storage::LogOptions options;
  options.clock = clock();
  options.random = random();
  options.write_buffer_bytes = std::size_t{64} << 10;
  options.block_cache_bytes = std::size_t{256} << 10;
  options.cached_streams = 16;
  options.wal_fill_bytes = wal_fill_bytes_;
  options.env = env_.get();
  auto log = storage::open_event_log(*directory_, options);
  if (!log) {
    directory_.reset();
    return log.error().what;
  }
  log_ = std::move(*log);
  return std::nullopt;
}

std::optional<std::string> Machine::open_models() {
  storage::ViewOptions options;
  options.write_buffer_bytes = std::size_t{64} << 10;
  options.large_write = 40;  // both ways of writing rows
  options.env = env_.get();
  auto views = storage::open_view_store(*directory_, options);
  if (!views) return views.error().what;
  views_ = std::move(views->store);
  projections::RunnerOptions running;
  running.persist_interval = std::chrono::milliseconds(5);
  running.persist_tasks = 5;
  models_ = projections::Runner::create(*log_, *views_, running);
  commands_ = commands::make_command_handler(*log_, clock(), random(), {.cached_tasks = 8});
  if (auto started = models_->start(); !started) return started.error().what;
  return std::nullopt;
}

void Machine::close() {
  if (models_) models_->stop();
  log_.reset();
  commands_.reset();
  models_.reset();
  views_.reset();
  directory_.reset();
}

void Machine::crash(bool power) {
  close();
  if (power) disk_->drop_unsynced();
  disk_->clear();
}

}  // namespace taskledger::faults
