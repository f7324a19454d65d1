#include "storage/rocks_event_log.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <spdlog/spdlog.h>

#include "storage/appender.h"
#include "storage/fenced_file_system.h"
#include "storage/files.h"
#include "storage/head_check.h"
#include "storage/head_mark_keeper.h"
#include "storage/log_reads.h"
#include "storage/log_recovery.h"
#include "storage/rocks_bulk_append.h"
#include "storage/rocks_reactor_store.h"
#include "storage/small_tables.h"
#include "storage/table_builder.h"
#include "storage/wal_check.h"

namespace taskledger::storage {
namespace {

class Log final : public LogReads<RocksEventLog> {
 public:
  Log(std::unique_ptr<LogTables> tables, HeadRows heads, const DataDirectory& directory, LogOptions options)
      : LogReads(std::move(tables), std::move(heads), options.clock),
        options_(std::move(options)),
        directory_(directory),
        eraser_(std::make_unique<Eraser>(*tables_, directory.path() / kErasuresFile)),
        appender_(*tables_, heads_, *eraser_, appender_options(options_)),
        mark_(std::make_unique<HeadMarkKeeper>(directory.head_mark(), [this] { return durable_head(); })),
        merging_(std::make_unique<Periodic>("log-merge", options_.merge_interval, [this] { merge(); })) {}

  ~Log() override {
    appender_.close();
    merging_.reset();
    eraser_.reset();
    mark_.reset();
  }

  void append(Commit commit, OnAppended done) override { appender_.append(std::move(commit), std::move(done)); }
  void observe(Observer observer) override { appender_.observe(std::move(observer)); }
  std::optional<std::string> failure() const override { return appender_.failure(); }
  std::optional<std::string> trouble() const override {
    auto trouble = appender_.trouble();
    return trouble ? trouble : mark_->trouble();
  }
  AppendFigures append_figures() const override { return appender_.figures(); }
  std::unique_ptr<ReactorStore> reactor_store() override {
    // What is published has been synced, or nobody waits for that.
    const auto synced = [this] {
      return options_.durability == Durability::fsync ? heads_.head().position : Position{};
    };
    return std::make_unique<RocksReactorStore>(*tables_, synced, [this](const auto& why) { appender_.fail(why); });
  }

  Result<BackedUp, ReadError> back_up(const std::filesystem::path& to, const std::atomic<bool>* give_up) override {
    const auto head = durable_head();
    if (!head) return ReadError{"writes have stopped: see the log"};
    const auto held = eraser_->hold_answers();
    return back_up_tables(*tables_, directory_, *head, to, give_up);
  }

  Result<std::unique_ptr<BulkAppend>, AppendError> begin_bulk(WorkspaceNumber workspace) override {
    if (appender_.failure()) return AppendError::unavailable;
    if (!appender_.pause()) return AppendError::queue_full;
    ChainWriter chain(*tables_, heads_.rows(), options_.clock, options_.random);
    return std::unique_ptr<BulkAppend>(
        std::make_unique<RocksBulkAppend>(*tables_, heads_, appender_, std::move(chain), workspace));
  }

 private:
  static AppenderOptions appender_options(const LogOptions& options) {
    return {options.clock,
            options.random,
            options.durability == Durability::fsync,
            options.max_queued_commits,
            options.max_queued_bytes,
            options.max_group_records,
            options.max_group_bytes,
            options.cached_streams,
            options.group_interval,
            options.load};
  }

  // nullopt too where it is somebody else's by now who is at the directory's path.
  std::optional<Head> durable_head() {
    const Head head = heads_.head();
    if (appender_.failure()) return std::nullopt;
    if (!directory_.is_in_place()) {
      appender_.fail(fmt::format("{}: {}", directory_.path().string(), kNotInPlace));
      return std::nullopt;
    }
    if (options_.durability == Durability::os && !tables_->sync_wal().ok()) return std::nullopt;
    return head;
  }

  void merge() {
    const std::unique_lock rewriting(tables_->rewriting(), std::try_to_lock);
    if (rewriting && !appender_.failure()) merge_small_tables(tables_->db(), tables_->all());
  }

  const LogOptions options_;
  const DataDirectory& directory_;
  std::unique_ptr<Eraser> eraser_;
  Appender appender_;
  std::unique_ptr<HeadMarkKeeper> mark_;
  std::unique_ptr<Periodic> merging_;
};

// RocksDB's own lock, which it takes anew when it opens the log: DIR/lock may have been removed.
class LockedLog {
 public:
  LockedLog(rocksdb::Env& env, const std::string& log) : env_(env), status_(env.LockFile(log + "/LOCK", &lock_)) {}
  ~LockedLog() {
    if (lock_ != nullptr) env_.UnlockFile(lock_);
  }
  LockedLog(const LockedLog&) = delete;
  LockedLog& operator=(const LockedLog&) = delete;
  [[nodiscard]] const rocksdb::Status& status() const { return status_; }

 private:
  rocksdb::Env& env_;
  rocksdb::FileLock* lock_ = nullptr;
  const rocksdb::Status status_;
};

// What is there stays as it is where the log is refused; a torn tail goes once it is known not to be missed.
Result<void, ReadError> check_before_opening(const std::string& log, const std::optional<HeadMark>& mark,
                                             rocksdb::Env& env) {
  if (auto whole = check_not_beheaded(log, env); !whole) return whole.error();
  const bool is_there = env.FileExists(log + "/CURRENT").ok();
  std::optional<LockedLog> locked;
  if (is_there && !locked.emplace(env, log).status().ok()) return read_error(locked->status());
  const auto torn = check_head(log, mark, env);
  if (!torn) return torn.error();
  if (!*torn) return {};
  if (auto cut = check_wal(log, WalTail::drop_torn, mark ? mark->position : Position{}, &env); !cut) return cut.error();
  return {};
}

// A list that lost its end would let backups of before bring back what was erased. (One that is not there at all is
// made whole by the next erasure or backup.)
void complete_erasures(const LogTables& tables, const std::filesystem::path& list) {
  if (!lacks_its_end(list)) return;
  const auto erasures = erasures_of(tables);
  const auto added = erasures ? add_erasures(list, *erasures) : Result<void, ReadError>(erasures.error());
  if (!added)
    spdlog::error("{} may lack erasures, which a restore of an older backup undoes then: {}", list.string(),
                  added.error().what);
}

}  // namespace

Result<std::unique_ptr<RocksEventLog>, ReadError> open_event_log(DataDirectory& directory, LogOptions options) {
  const auto path = directory.log().string();
  auto mark = read_head_mark(directory.head_mark());
  if (!mark) return mark.error();
  rocksdb::Env& env = options.env != nullptr ? *options.env : *rocksdb::Env::Default();
  if (auto checked = check_before_opening(path, *mark, env); !checked) return checked.error();
  TablesOptions files{options.block_cache_bytes, options.write_buffer_bytes, options.env};
  if (options.durability == Durability::fsync) files.wal_fill_bytes = options.wal_fill_bytes;
  files.is_in_place = [&directory] { return directory.is_in_place(); };
  auto opened = LogTables::open(path, files);
  if (!opened) return opened.error();
  // RocksDB makes the log's directory, and does not see to it that it stays.
  if (auto synced = sync_folder_of(directory.log()); !synced) return synced.error();
  LogTables& tables = **opened;
  auto heads = tables.head_rows();
  if (!heads) return heads.error();
  if (auto whole = tables.confirm_head(heads->head); !whole) return whole.error();
  if (!*mark && heads->head.position.value > 0)
    spdlog::warn("{} is missing: that the log's end at position {} is all that was acknowledged cannot be told",
                 directory.head_mark().string(), heads->head.position.value);
  if (*mark) {
    auto confirmed = confirm_head_mark(**mark, heads->head, tables.hash_at((*mark)->position, heads->head));
    if (!confirmed) return confirmed.error();
    if (auto whole = check_since(tables, **mark, heads->head); !whole) return whole.error();
  }
  if (auto removed = remove_leftovers(tables, *heads); !removed) return removed.error();
  TableBuilder::clear(tables.db());
  // Commands that write and end at once leave a few each.
  merge_small_tables(tables.db(), tables.all(), 4 * kManySmallTables);
  auto pending = pending_erasures(tables);
  if (!pending) return pending.error();
  complete_erasures(tables, directory.path() / kErasuresFile);  // before its last line is mended
  auto erasures = erasures_in(tables, *pending);
  if (!erasures) return erasures.error();
  if (auto listed = add_erasures(directory.path() / kErasuresFile, *erasures); !listed) return listed.error();
  if (auto purged = purge(tables, *pending); !purged) return purged.error();
  return std::unique_ptr<RocksEventLog>(
      std::make_unique<Log>(std::move(*opened), std::move(*heads), directory, std::move(options)));
}

}  // namespace taskledger::storage
