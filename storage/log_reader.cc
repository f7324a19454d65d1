#include "storage/log_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <mutex>
#include <optional>
#include <utility>

#include "storage/bulk_append.h"
#include "storage/file_lock.h"
#include "storage/held_files.h"
#include "storage/log_reads.h"
#include "storage/secondary.h"

namespace taskledger::storage {
namespace {

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

class ReadOnlyLog : public LogReader {
 public:
  void append(Commit, OnAppended done) override { done(AppendError::closed); }
  void observe(Observer) override {}
  Result<std::unique_ptr<BulkAppend>, AppendError> begin_bulk(WorkspaceNumber) override { return AppendError::closed; }
  std::optional<std::string> failure() const override { return std::nullopt; }
};

// One opening of the tables, as a RocksDB secondary. It can follow the writer as long as that only adds to its WAL.
class Opening final : public LogReads<ReadOnlyLog> {
 public:
  static Result<std::shared_ptr<Opening>, ReadError> open(const DataDirectory& directory,
                                                          const ReaderOptions& options) {
    auto opened = open_secondary_tables(directory, options.scratch, options.block_cache_bytes);
    if (!opened) return opened.error();
    auto heads = opened->tables->head_rows();
    if (!heads) return heads.error();
    return std::make_shared<Opening>(*std::move(opened), *std::move(heads), options.clock);
  }
  Opening(SecondaryTables opened, HeadRows heads, Clock clock)
      : LogReads(std::move(opened.tables), std::move(heads), std::move(clock)), files_(std::move(opened.files)) {}
  ~Opening() override { tables_.reset(); }  // before its files

  // ReadError also where the tables have changed: RocksDB's secondary loses what went from a WAL to a table and on to
  // another table meanwhile, and what it once read from a WAL hides what a table says since.
  Result<void, ReadError> catch_up() override {
    if (!files_->are_those_of_the_writer()) return changed();
    if (auto status = tables_->db().TryCatchUpWithPrimary(); !status.ok()) return read_error(status);
    if (!files_->are_those_of_the_writer()) return changed();
    auto heads = tables_->head_rows();
    if (!heads) return heads.error();
    if (auto same = check_continues(head(), heads->head); !same) return same;
    heads_.replace(*std::move(heads));
    return {};
  }

  // That `before` is in what was opened: it is not, where a copy was put file by file into the same folder.
  [[nodiscard]] Result<void, ReadError> check_continues(const Head& before) const {
    return check_continues(before, head());
  }

 private:
  static ReadError changed() { return ReadError{"the log's tables have changed"}; }
  Result<void, ReadError> check_continues(const Head& before, const Head& now) const {
    if (before.position == Position{}) return {};
    const auto there = tables_->hash_at(before.position, now);  // nullopt, where it ends before
    if (!there) return there.error();
    if (*there != before.hash)
      return ReadError{"another log is in its place: what comes does not follow what was read"};
    return {};
  }

  const std::unique_ptr<HeldFiles> files_;
};

class Reader final : public ReadOnlyLog {
 public:
  Reader(const DataDirectory& directory, ReaderOptions options, Folder folder, std::shared_ptr<Opening> opening)
      : directory_(directory), options_(std::move(options)), folder_(std::move(folder)), opening_(std::move(opening)) {}

  Result<void, ReadError> read_stream(WorkspaceNumber workspace, const Uuid& stream, Version from,
                                      const Visitor& visit) const override {
    return opening()->read_stream(workspace, stream, from, visit);
  }
  Result<void, ReadError> read_all(Position after, Position to, const Visitor& visit) const override {
    return opening()->read_all(after, to, visit);
  }
  Result<void, ReadError> read_workspace(WorkspaceNumber workspace, WorkspacePosition after,
                                         const Visitor& visit) const override {
    return opening()->read_workspace(workspace, after, visit);
  }
  Result<void, ReadError> read_feed(WorkspaceNumber workspace, WorkspacePosition after, const FeedFilter& filter,
                                    const Visitor& visit) const override {
    return opening()->read_feed(workspace, after, filter, visit);
  }
  Head head() const override { return opening()->head(); }
  WorkspaceHead workspace_head(WorkspaceNumber workspace) const override {
    return opening()->workspace_head(workspace);
  }
  Result<std::optional<Hash>, ReadError> hash_at(Position position) const override {
    return opening()->hash_at(position);
  }
  Result<std::optional<Hash>, ReadError> workspace_hash_at(WorkspaceNumber workspace,
                                                           WorkspacePosition position) const override {
    return opening()->workspace_hash_at(workspace, position);
  }
  Result<std::optional<std::string>, ReadError> idempotency_row(std::string_view key) const override {
    return opening()->idempotency_row(key);
  }
  LogFigures figures() const override { return opening()->figures(); }

  Result<void, ReadError> catch_up() override {
    if (auto here = folder_.check(); !here) return here;
    const auto current = opening();
    if (current->catch_up()) return folder_.check();
    auto next = Opening::open(directory_, options_);
    if (auto here = folder_.check(); !here) return here;
    if (!next) return next.error();
    if (auto same = (*next)->check_continues(current->head()); !same) return same;
    const std::lock_guard lock(mutex_);
    opening_ = *std::move(next);
    return {};
  }

 private:
  std::shared_ptr<Opening> opening() const {
    const std::lock_guard lock(mutex_);
    return opening_;
  }

  const DataDirectory& directory_;
  const ReaderOptions options_;
  const Folder folder_;
  mutable std::mutex mutex_;
  std::shared_ptr<Opening> opening_;
};

}  // namespace

Result<std::unique_ptr<LogReader>, ReadError> open_log_reader(const DataDirectory& directory, ReaderOptions options) {
  Folder folder(directory.log());
  if (!options.clock) options.clock = [] { return Timestamp{}; };
  auto opening = Opening::open(directory, options);
  if (!opening) return opening.error();
  return std::unique_ptr<LogReader>(
      std::make_unique<Reader>(directory, std::move(options), std::move(folder), *std::move(opening)));
}

}  // namespace taskledger::storage
