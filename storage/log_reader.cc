#include "storage/log_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>

#include "storage/bulk_append.h"
#include "storage/file_lock.h"
#include "storage/log_reads.h"
#include "storage/secondary.h"

namespace taskledger::storage {
namespace {

constexpr int kReadAttempts = 5;
constexpr std::chrono::milliseconds kBetweenAttempts{20};

// The folder that a path named once. Held open, so that no other one has its number.
class Folder {
 public:
  explicit Folder(std::filesystem::path path)
      : path_(std::move(path)), fd_(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}
  ~Folder() {
    if (fd_ >= 0) ::close(fd_);
  }
  Folder(Folder&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  Folder& operator=(Folder&&) = delete;

  Result<void, ReadError> check() const {
    if (fd_ < 0 || names(path_, fd_).value_or(true)) return {};
    return ReadError{fmt::format("{} was moved, removed or replaced while it was read", path_.string())};
  }

 private:
  std::filesystem::path path_;
  int fd_;
};

class Reader final : public LogReads<LogReader> {
 public:
  Reader(Folder folder, std::unique_ptr<ScratchDirectory> scratch, std::unique_ptr<LogTables> tables, HeadRows heads,
         Clock clock)
      : LogReads(std::move(tables), std::move(heads), std::move(clock)),
        folder_(std::move(folder)),
        scratch_(std::move(scratch)) {}
  ~Reader() override { tables_.reset(); }  // before the directory it writes to

  void append(Commit, OnAppended done) override { done(AppendError::closed); }
  void observe(Observer) override {}
  Result<std::unique_ptr<BulkAppend>, AppendError> begin_bulk(WorkspaceNumber) override { return AppendError::closed; }
  std::optional<std::string> failure() const override { return std::nullopt; }

  Result<void, ReadError> read_stream(WorkspaceNumber workspace, const Uuid& stream, Version from,
                                      const Visitor& visit) const override {
    return patiently([&] {
      return LogReads::read_stream(workspace, stream, from, [&](const Record& record) {
        from = record.version.next();
        return visit(record);
      });
    });
  }
  Result<void, ReadError> read_all(Position after, Position to, const Visitor& visit) const override {
    return patiently([&] {
      return LogReads::read_all(after, to, [&](const Record& record) {
        after = record.position;
        return visit(record);
      });
    });
  }
  Result<void, ReadError> read_workspace(WorkspaceNumber workspace, WorkspacePosition after,
                                         const Visitor& visit) const override {
    return patiently([&] {
      return LogReads::read_workspace(workspace, after, [&](const Record& record) {
        after = record.in_workspace;
        return visit(record);
      });
    });
  }
  Result<void, ReadError> read_feed(WorkspaceNumber workspace, WorkspacePosition after, const FeedFilter& filter,
                                    const Visitor& visit) const override {
    return patiently([&] {
      return LogReads::read_feed(workspace, after, filter, [&](const Record& record) {
        after = record.in_workspace;
        return visit(record);
      });
    });
  }
  Result<std::optional<Hash>, ReadError> hash_at(Position position) const override {
    return patiently([&] { return LogReads::hash_at(position); });
  }
  Result<std::optional<Hash>, ReadError> workspace_hash_at(WorkspaceNumber workspace,
                                                           WorkspacePosition position) const override {
    return patiently([&] { return LogReads::workspace_hash_at(workspace, position); });
  }

  Result<void, ReadError> catch_up() override {
    if (auto caught_up = patiently([&] { return catch_up_once(); }); !caught_up) return caught_up;
    auto heads = tables_->head_rows();
    if (!heads) return heads.error();
    const Head before = heads_.head();
    heads_.replace(std::move(*heads));
    // Of a copy that was put file by file into the same folder.
    if (before.position == Position{}) return {};
    const auto there = hash_at(before.position);  // nullopt, where it ends before
    if (!there) return there.error();
    if (*there != before.hash)
      return ReadError{"another log is in its place: what comes does not follow what was read"};
    return {};
  }

 private:
  // Reads until it goes well, a few times. What the writer flushes while this one catches up may be neither in the
  // tables nor in the WALs that were seen, and tables that it rewrites disappear: damage is what is there to stay.
  template <class Read>
  auto patiently(const Read& read) const -> decltype(read()) {
    for (int attempt = 1;; ++attempt) {
      auto result = read();
      if (result || attempt == kReadAttempts) return result;
      std::this_thread::sleep_for(attempt * kBetweenAttempts);
      static_cast<void>(catch_up_once());
    }
  }
  Result<void, ReadError> catch_up_once() const {
    if (auto here = folder_.check(); !here) return here;
    if (auto status = tables_->db().TryCatchUpWithPrimary(); !status.ok()) return read_error(status);
    return folder_.check();
  }

  const Folder folder_;
  std::unique_ptr<ScratchDirectory> scratch_;
};

}  // namespace

Result<std::unique_ptr<LogReader>, ReadError> open_log_reader(const DataDirectory& directory, ReaderOptions options) {
  Folder folder(directory.log());
  auto scratch = ScratchDirectory::make(options.scratch);
  if (!scratch) return scratch.error();
  auto tables = open_secondary_tables(directory, **scratch, options.block_cache_bytes);
  if (!tables) return tables.error();
  auto heads = (*tables)->head_rows();
  if (!heads) return heads.error();
  if (!options.clock) options.clock = [] { return Timestamp{}; };
  return std::unique_ptr<LogReader>(std::make_unique<Reader>(std::move(folder), std::move(*scratch), std::move(*tables),
                                                             std::move(*heads), std::move(options.clock)));
}

}  // namespace taskledger::storage
