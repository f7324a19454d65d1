// What storage tests share: a temporary directory, seeded randomness, a clock that is set by hand, and short ways to
// append and read.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/clock.h"
#include "storage/append_and_wait.h"
#include "storage/event_log.h"

namespace taskledger::storage {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "taskledger-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct SetClock {
  std::shared_ptr<std::atomic<std::int64_t>> ms = std::make_shared<std::atomic<std::int64_t>>(1'000'000);
  Timestamp operator()() const { return {ms->load()}; }
};

inline RandomBytes seeded_random(std::uint64_t seed) {
  return [engine = std::make_shared<std::mt19937_64>(seed)](std::span<std::uint8_t> out) {
    for (auto& byte : out) byte = static_cast<std::uint8_t>((*engine)());
  };
}

inline Uuid uuid(std::uint64_t number) {
  Uuid id;
  for (int i = 0; i < 8; ++i) id.bytes[static_cast<std::size_t>(15 - i)] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

inline constexpr WorkspaceNumber kWorkspace{7}, kOther{8};
inline const UserId kActor{uuid(900)};

inline NewRecord record_of(const Uuid& stream, std::string payload = "{}", std::uint8_t type = 1) {
  return {stream, type, std::move(payload), {}, {}, {}};
}
// A commit of one stream.
inline Commit commit_of(const Uuid& stream, std::uint32_t expected, std::vector<std::string> payloads = {"{}"},
                        WorkspaceNumber workspace = kWorkspace) {
  Commit commit{workspace, kActor, false, {{stream, {expected}}}, {}, {}, {}};
  for (auto& payload : payloads) commit.records.push_back(record_of(stream, std::move(payload)));
  return commit;
}

// As an erasure is: what was of the stream is erased, and a record says so.
inline Commit erasure_of(const Uuid& stream, std::uint32_t expected) {
  Commit commit = commit_of(stream, expected);
  commit.records.front().type = static_cast<std::uint8_t>(EventType::task_erased);
  commit.erase = {stream};
  return commit;
}

inline EventLog::Appending append(EventLog& log, Commit commit) { return append_and_wait(log, std::move(commit)); }

// One line a record: "position.in_workspace workspace stream@version type payload".
inline std::string line_of(const Record& record) {
  return std::to_string(record.position.value) + "." + std::to_string(record.in_workspace.value) + " w" +
         std::to_string(record.workspace.value) + " " + std::to_string(record.stream.bytes[15]) + "@" +
         std::to_string(record.version.value) + " t" + std::to_string(record.type) + " " +
         std::string(record.payload.value_or("(erased)")) + "\n";
}
inline std::string all_of(const EventLog& log) {
  std::string text;
  auto read = log.read_all({0}, {UINT64_MAX}, [&](const Record& record) {
    text += line_of(record);
    return true;
  });
  return read ? text : text + "ERROR " + read.error().what;
}
inline std::string stream_of(const EventLog& log, const Uuid& stream, std::uint32_t from = 1,
                             WorkspaceNumber workspace = kWorkspace) {
  std::string text;
  auto read = log.read_stream(workspace, stream, {from}, [&](const Record& record) {
    text += line_of(record);
    return true;
  });
  return read ? text : text + "ERROR " + read.error().what;
}
inline std::string workspace_of(const EventLog& log, WorkspaceNumber workspace, std::uint64_t after = 0) {
  std::string text;
  auto read = log.read_workspace(workspace, {after}, [&](const Record& record) {
    text += line_of(record);
    return true;
  });
  return read ? text : text + "ERROR " + read.error().what;
}

}  // namespace taskledger::storage
