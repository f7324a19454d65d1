#include "storage/secondary.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "storage/head_mark.h"
#include "storage/wal_check.h"

namespace taskledger::storage {
namespace {

// A directory that only opening asks for: whatever ends the process later, nothing is left behind.
class ScratchDirectory {
 public:
  static Result<std::unique_ptr<ScratchDirectory>, ReadError> make(const std::filesystem::path& parent) {
    std::error_code error;
    const auto base = parent.empty() ? std::filesystem::temp_directory_path(error) : parent;
    if (error) return ReadError{fmt::format("no directory for temporary files (TMPDIR): {}", error.message())};
    std::unique_ptr<ScratchDirectory> made(new ScratchDirectory);
    std::string pattern = (base / "taskledger-reader-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      return ReadError{fmt::format("cannot make a directory in {}: {}", base.string(), std::strerror(errno))};
    made->path_ = pattern;
    std::filesystem::create_directories(made->no_wal(), error);
    if (error) return ReadError{fmt::format("cannot make {}: {}", made->no_wal().string(), error.message())};
    return made;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path no_wal() const { return path_ / "no-wal"; }  // empty

 private:
  ScratchDirectory() = default;
  std::filesystem::path path_;
};

}  // namespace

Result<SecondaryTables, ReadError> open_secondary_tables(const DataDirectory& directory,
                                                         const std::filesystem::path& scratch_parent,
                                                         std::size_t block_cache_bytes) {
  const std::string log = directory.log();
  std::error_code error;
  if (auto whole = check_not_beheaded(log, *rocksdb::Env::Default()); !whole) return whole.error();
  if (!std::filesystem::exists(directory.log() / "CURRENT", error)) {
    if (error) return ReadError{fmt::format("cannot read {}: {}", log, error.message())};
    return ReadError{fmt::format("data directory {} has no log yet", directory.path().string())};
  }
  const auto scratch = ScratchDirectory::make(scratch_parent);
  if (!scratch) return scratch.error();
  const auto mark = read_head_mark(directory.head_mark());
  if (!mark) return mark.error();
  auto files = HeldFiles::of(directory.log());
  if (!files) return files.error();
  TablesOptions options;
  options.block_cache_bytes = block_cache_bytes;
  options.env = &(*files)->env();
  const Position marked = *mark ? (*mark)->position : Position{};
  if (auto checked = check_wal(log, WalTail::keep, marked, options.env); !checked) return checked.error();
  if (auto there = LogTables::check_files(log, (*scratch)->no_wal(), *options.env); !there) return there.error();
  auto tables = LogTables::open_secondary(log, (*scratch)->path(), options);
  if (!tables) return tables.error();
  (*files)->let_go_of_tables();
  return SecondaryTables{*std::move(files), *std::move(tables)};
}

}  // namespace taskledger::storage
