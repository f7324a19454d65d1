// A server's inside (log, read models, command handler) on a file system that fails on purpose: opened, crashed, and
// opened again from what the disk kept. Small buffers, so that flushes and compactions happen within a short run.
// Threads: one; commands are answered on the log's appender thread.
#pragma once

#include <rocksdb/env.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "commands/command_handler.h"
#include "projections/runner.h"
#include "storage/rocks_event_log.h"
#include "storage/rocks_view_store.h"
#include "tests/faults/fault_file_system.h"

namespace taskledger::faults {

// In memory where the system has such a folder: the runs are many, and no byte of them needs a disk.
class FastFolder {
 public:
  FastFolder();
  ~FastFolder();
  FastFolder(const FastFolder&) = delete;
  FastFolder& operator=(const FastFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class Machine {
 public:
  explicit Machine(std::uint64_t seed);
  ~Machine() { close(); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // The log alone; what is wrong with it, otherwise nothing.
  [[nodiscard]] std::optional<std::string> open_log();
  // The rest on top of it.
  [[nodiscard]] std::optional<std::string> open_models();
  // In the order of a server that stops; a disk that has failed meanwhile stays failed.
  void close();
  // close(), then the disk forgets what was not synced (`power` lost) and works again.
  void crash(bool power);

  [[nodiscard]] FaultFileSystem& disk() { return *disk_; }
  [[nodiscard]] storage::DataDirectory& directory() { return *directory_; }
  [[nodiscard]] storage::RocksEventLog& log() { return *log_; }
  [[nodiscard]] projections::Runner& models() { return *models_; }
  [[nodiscard]] storage::ViewStore& views() { return *views_; }
  [[nodiscard]] commands::CommandHandler& commands() { return *commands_; }
  [[nodiscard]] bool is_open() const { return log_ != nullptr; }

 private:
  [[nodiscard]] Clock clock() {
    return [this] { return Timestamp{now_ += 1}; };
  }
  [[nodiscard]] RandomBytes random();

  FastFolder folder_;
  std::shared_ptr<FaultFileSystem> disk_;
  std::unique_ptr<rocksdb::Env> env_;
  std::atomic<std::int64_t> now_{1'750'000'000'000};
  std::atomic<std::uint64_t> random_;
  const std::size_t wal_fill_bytes_;
  std::unique_ptr<storage::DataDirectory> directory_;
  std::unique_ptr<storage::RocksEventLog> log_;
  std::unique_ptr<storage::RocksViewStore> views_;
  std::unique_ptr<projections::Runner> models_;
  std::unique_ptr<commands::CommandHandler> commands_;
};

}  // namespace taskledger::faults
