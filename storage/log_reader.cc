#include "storage/log_reader.h"

#include "storage/bulk_append.h"
#include "storage/log_reads.h"
#include "storage/secondary.h"

namespace taskledger::storage {
namespace {

class Reader final : public LogReads<LogReader> {
 public:
  Reader(std::unique_ptr<ScratchDirectory> scratch, std::unique_ptr<LogTables> tables, HeadRows heads, Clock clock)
      : LogReads(std::move(tables), std::move(heads), std::move(clock)), scratch_(std::move(scratch)) {}
  ~Reader() override { tables_.reset(); }  // before the directory it writes to

  void append(Commit, OnAppended done) override { done(AppendError::closed); }
  void observe(Observer) override {}
  Result<std::unique_ptr<BulkAppend>, AppendError> begin_bulk(WorkspaceNumber) override { return AppendError::closed; }
  std::optional<std::string> failure() const override { return std::nullopt; }

  Result<void, ReadError> catch_up() override {
    if (auto status = tables_->db().TryCatchUpWithPrimary(); !status.ok()) return read_error(status);
    auto heads = tables_->head_rows();
    if (!heads) return heads.error();
    heads_.replace(std::move(*heads));
    return {};
  }

 private:
  std::unique_ptr<ScratchDirectory> scratch_;
};

}  // namespace

Result<std::unique_ptr<LogReader>, ReadError> open_log_reader(const DataDirectory& directory, ReaderOptions options) {
  auto scratch = ScratchDirectory::make(options.scratch);
  if (!scratch) return scratch.error();
  auto tables = open_secondary_tables(directory, **scratch, options.block_cache_bytes);
  if (!tables) return tables.error();
  auto heads = (*tables)->head_rows();
  if (!heads) return heads.error();
  if (!options.clock) options.clock = [] { return Timestamp{}; };
  return std::unique_ptr<LogReader>(
      std::make_unique<Reader>(std::move(*scratch), std::move(*tables), std::move(*heads), std::move(options.clock)));
}

}  // namespace taskledger::storage
