// BulkAppend on RocksDB: the rows are built into sorted tables beside the log, which takes them in by one atomic step
// when they are complete, past the head and so invisible; then one synced write of the heads. Nothing passes through
// memtables or the WAL, and nothing of it has to be compacted later.
//
// Records come in order of position, so `events` and `workspaces` are written as they come; the rows of `streams` are
// kept (32 bytes a record), sorted, and written when there are many, or at the end.
#pragma once

#include <array>
#include <vector>

#include "storage/appender.h"
#include "storage/bulk_append.h"
#include "storage/table_builder.h"

namespace taskledger::storage {

class RocksBulkAppend : public BulkAppend, private RowSink {
 public:
  // `appender` is paused; it is resumed when this is destroyed.
  RocksBulkAppend(const LogTables& tables, PublishedHeads& heads, Appender& appender, ChainWriter chain,
                  WorkspaceNumber workspace);
  ~RocksBulkAppend() override;
  Result<void, ReadError> add(const UserId& actor, Version version, const NewRecord& record) override;
  Result<void, ReadError> add_erased(const UserId& actor, Version version, const NewRecord& record) override;
  Result<void, ReadError> add_system(const UserId& actor, Version version, const NewRecord& record) override;
  Result<Appended, ReadError> finish() override;

 private:
  struct StreamRow {
    std::array<char, 24> key;
    std::array<char, 8> position;
  };
  void put(rocksdb::ColumnFamilyHandle* table, const rocksdb::Slice& key, const rocksdb::Slice& value) override;
  Result<void, ReadError> write_streams();
  Result<void, ReadError> add(const UserId& actor, Version version, const NewRecord& record, Payload payload);

  const LogTables& tables_;
  PublishedHeads& heads_;
  Appender& appender_;
  ChainWriter chain_;
  const WorkspaceNumber workspace_;
  TableBuilder events_, workspaces_;
  std::vector<StreamRow> stream_rows_;
  std::vector<std::unique_ptr<TableBuilder>> streams_;  // one for each sorted run
  rocksdb::WriteBatch with_heads_;                      // the few rows that do not come in order
  bool system_ = false;                                 // the record under way is the system's
  std::optional<ReadError> failed_;
  bool prepared_ = false, ingested_ = false, finished_ = false;
};

}  // namespace taskledger::storage
