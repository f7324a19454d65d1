#include "storage/secondary.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "storage/head_mark.h"
#include "storage/wal_check.h"

namespace taskledger::storage {
namespace {

// The writer may delete a file between our listing and opening it, again and again while it erases, each time another:
// what is damaged or missing is so as often as one looks.
constexpr int kAttempts = 50, kSameFindings = 3;

Result<std::unique_ptr<LogTables>, ReadError> open_checked(const std::string& log, const std::filesystem::path& scratch,
                                                           const TablesOptions& options) {
  std::error_code error;
  const auto no_wal = scratch / "no-wal";
  std::filesystem::create_directories(no_wal, error);
  if (error) return ReadError{fmt::format("cannot make {}: {}", no_wal.string(), error.message())};
  const auto there = LogTables::check_files(log, no_wal.string());
  if (!there) return there.error();
  auto opened = LogTables::open_secondary(log, scratch.string(), options);
  if (!opened) return opened;
  // Files that went between the two are made up for by what is there instead, or their table would be empty.
  static_cast<void>((*opened)->db().TryCatchUpWithPrimary());
  const auto seen = (*opened)->files();
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (seen[i] == 0 && (*there)[i] != 0)
      return ReadError{fmt::format("{}: tables change while they are opened: try again", log)};
  }
  return opened;
}

}  // namespace

Result<std::unique_ptr<ScratchDirectory>, ReadError> ScratchDirectory::make(const std::filesystem::path& parent) {
  std::error_code error;
  const auto base = parent.empty() ? std::filesystem::temp_directory_path(error) : parent;
  std::string pattern = (base / "taskledger-reader-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    return ReadError{fmt::format("cannot make a directory in {}: {}", base.string(), std::strerror(errno))};
  }
  std::unique_ptr<ScratchDirectory> made(new ScratchDirectory);
  made->path_ = pattern;
  return made;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<std::unique_ptr<LogTables>, ReadError> open_secondary_tables(const DataDirectory& directory,
                                                                    const ScratchDirectory& scratch,
                                                                    std::size_t block_cache_bytes) {
  std::error_code error;
  if (auto whole = check_not_beheaded(directory.log().string(), *rocksdb::Env::Default()); !whole) return whole.error();
  if (!std::filesystem::exists(directory.log() / "CURRENT", error)) {
    if (error) return ReadError{fmt::format("cannot read {}: {}", directory.log().string(), error.message())};
    return ReadError{fmt::format("data directory {} has no log yet", directory.path().string())};
  }
  TablesOptions options;
  options.block_cache_bytes = block_cache_bytes;
  auto mark = read_head_mark(directory.head_mark());
  if (!mark) return mark.error();
  const Position marked = *mark ? (*mark)->position : Position{};
  std::string finding;
  for (int attempt = 1, same = 0;; ++attempt) {
    if (auto checked = check_wal(directory.log().string(), WalTail::keep, marked, nullptr); !checked)
      return checked.error();
    auto tables = open_checked(directory.log().string(), scratch.path(), options);
    if (!tables) same = tables.error().what == std::exchange(finding, tables.error().what) ? same + 1 : 1;
    if (tables || same == kSameFindings || attempt == kAttempts) {
      // Only opening asks for it: whatever ends this process, nothing is left behind.
      std::filesystem::remove_all(scratch.path(), error);
      return tables;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20 * std::min(attempt, 5)));
  }
}

}  // namespace taskledger::storage
