#include "storage/rocks_event_log.h"

#include <algorithm>

#include "storage/appender.h"
#include "storage/head_mark_keeper.h"
#include "storage/keys.h"
#include "storage/log_recovery.h"
#include "storage/rocks_bulk_append.h"
#include "storage/store_figures.h"
#include "storage/wal_check.h"

namespace taskledger::storage {
namespace {

class Log final : public RocksEventLog {
 public:
  Log(std::unique_ptr<LogTables> tables, HeadRows heads, const DataDirectory& directory, LogOptions options)
      : options_(std::move(options)),
        tables_(std::move(tables)),
        heads_(std::move(heads)),
        eraser_(std::make_unique<Eraser>(*tables_)),
        appender_(*tables_, heads_, *eraser_, appender_options(options_)),
        mark_(std::make_unique<HeadMarkKeeper>(directory.head_mark(), [this] { return durable_head(); })) {}

  ~Log() override {
    appender_.close();
    eraser_.reset();
    mark_.reset();
  }

  void append(Commit commit, OnAppended done) override { appender_.append(std::move(commit), std::move(done)); }
  void observe(Observer observer) override { appender_.observe(std::move(observer)); }

  Result<std::unique_ptr<BulkAppend>, AppendError> begin_bulk(WorkspaceNumber workspace) override {
    if (appender_.failure()) return AppendError::unavailable;
    if (!appender_.pause()) return AppendError::queue_full;
    ChainWriter chain(*tables_, heads_.rows(), options_.clock, options_.random);
    return std::unique_ptr<BulkAppend>(
        std::make_unique<RocksBulkAppend>(*tables_, heads_, appender_, std::move(chain), workspace));
  }

  Result<void, ReadError> read_stream(WorkspaceNumber workspace, const Uuid& stream, Version from,
                                      const Visitor& visit) const override {
    return tables_->read_stream(workspace, stream, from, heads_.head().position, visit);
  }

  Result<void, ReadError> read_all(Position after, Position to, const Visitor& visit) const override {
    return tables_->walk(after, std::min(to, heads_.head().position),
                         [&](const DecodedRecord& decoded) { return visit(decoded.record); });
  }

  Result<void, ReadError> read_workspace(WorkspaceNumber workspace, WorkspacePosition after,
                                         const Visitor& visit) const override {
    return tables_->read_workspace(workspace, after, heads_.tip(workspace).head.position, nullptr, visit);
  }

  Result<void, ReadError> read_feed(WorkspaceNumber workspace, WorkspacePosition after, const FeedFilter& filter,
                                    const Visitor& visit) const override {
    if (filter.stream) {
      return read_stream(workspace, *filter.stream, {1}, [&](const Record& record) {
        return record.in_workspace <= after || !matches(filter, record) || visit(record);
      });
    }
    return tables_->read_workspace(workspace, after, heads_.tip(workspace).head.position, &filter, visit);
  }

  Head head() const override { return heads_.head(); }
  WorkspaceHead workspace_head(WorkspaceNumber workspace) const override { return heads_.tip(workspace).head; }
  Result<std::optional<Hash>, ReadError> hash_at(Position position) const override {
    return tables_->hash_at(position, heads_.head());
  }
  Result<std::optional<std::string>, ReadError> idempotency_row(std::string_view key) const override {
    return tables_->idempotency_row(key, options_.clock());
  }
  std::optional<std::string> failure() const override { return appender_.failure(); }

  LogFigures figures() const override {
    LogFigures figures{store_figures(tables_->db(), tables_->all()), heads_.head(), {}};
    for (const auto& [workspace, tip] : heads_.rows().workspaces) figures.workspaces.emplace_back(workspace, tip.head);
    std::sort(figures.workspaces.begin(), figures.workspaces.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    return figures;
  }

 private:
  static AppenderOptions appender_options(const LogOptions& options) {
    return {options.clock,           options.random,            options.durability == Durability::fsync,
            options.max_queued_commits, options.max_queued_bytes, options.max_group_records,
            options.max_group_bytes, options.cached_streams};
  }

  std::optional<Head> durable_head() {
    const Head head = heads_.head();
    if (appender_.failure()) return std::nullopt;
    if (options_.durability == Durability::os && !tables_->db().SyncWAL().ok()) return std::nullopt;
    return head;
  }

  const LogOptions options_;
  std::unique_ptr<LogTables> tables_;
  PublishedHeads heads_;
  std::unique_ptr<Eraser> eraser_;
  Appender appender_;
  std::unique_ptr<HeadMarkKeeper> mark_;
};

}  // namespace

Result<std::unique_ptr<RocksEventLog>, ReadError> open_event_log(DataDirectory& directory, LogOptions options) {
  const auto path = directory.log().string();
  if (auto checked = check_wal(path, WalTail::drop_torn, options.env); !checked) return checked.error();
  auto opened = LogTables::open(path, {options.block_cache_bytes, options.write_buffer_bytes, options.env});
  if (!opened) return opened.error();
  LogTables& tables = **opened;
  auto heads = tables.head_rows();
  if (!heads) return heads.error();
  auto mark = read_head_mark(directory.head_mark());
  if (!mark) return mark.error();
  if (*mark) {
    auto confirmed = confirm_head_mark(**mark, heads->head, tables.hash_at((*mark)->position, heads->head));
    if (!confirmed) return confirmed.error();
  }
  if (auto removed = remove_leftovers(tables, *heads); !removed) return removed.error();
  auto pending = pending_erasures(tables);
  if (!pending) return pending.error();
  if (auto purged = purge(tables, *pending); !purged) return purged.error();
  return std::unique_ptr<RocksEventLog>(
      std::make_unique<Log>(std::move(*opened), std::move(*heads), directory, std::move(options)));
}

}  // namespace taskledger::storage
