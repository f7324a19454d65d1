// The log on disk for tests: opened with what went wrong, verified, and looked through byte by byte.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "storage/data_directory.h"
#include "storage/rocks_event_log.h"
#include "storage/verify.h"
#include "tests/storage/log_fixture.h"

namespace taskledger::storage {

namespace fs = std::filesystem;

inline DataDirectory::Options exclusive() { return {DataDirectory::Access::exclusive, {}, seeded_random(1)}; }

struct Opened {
  Opened() = default;
  Opened(Opened&&) = default;
  Opened& operator=(Opened&& other) noexcept {
    log = std::move(other.log);  // before its directory
    directory = std::move(other.directory);
    error = std::move(other.error);
    return *this;
  }
  std::unique_ptr<DataDirectory> directory;
  std::unique_ptr<RocksEventLog> log;
  std::string error;
};
inline Opened open(const fs::path& path, SetClock clock = {},
                   std::chrono::milliseconds merge_interval = LogOptions{}.merge_interval,
                   const std::function<void(LogOptions&)>& set = {}) {
  Opened opened;
  auto directory = DataDirectory::open(path, exclusive());
  if (!directory) {
    opened.error = directory.error().what;
    return opened;
  }
  opened.directory = std::move(*directory);
  LogOptions options;
  options.clock = clock;
  options.random = seeded_random(2);
  options.merge_interval = merge_interval;
  if (set) set(options);
  auto log = open_event_log(*opened.directory, options);
  if (log)
    opened.log = std::move(*log);
  else
    opened.error = log.error().what;
  return opened;
}
inline std::string verify(const fs::path& path) {
  auto directory = DataDirectory::open(path, {DataDirectory::Access::reader, {}, {}});
  if (!directory) return directory.error().what;
  auto verified = verify_log(**directory, {});
  return verified ? "ok: " + std::to_string(verified->events) : verified.error().what;
}
inline void fill(EventLog& log, std::uint32_t commits) {
  for (std::uint32_t i = 0; i < commits; ++i) {
    ASSERT_TRUE(append(log, commit_of(uuid(i % 5), i / 5, {R"({"title":"number )" + std::to_string(i) + "\"}"})));
  }
}
inline bool any_file_holds(const fs::path& folder, const std::string& needle) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), {});
    if (content.find(needle) != std::string::npos) return true;
  }
  return false;
}

}  // namespace taskledger::storage
