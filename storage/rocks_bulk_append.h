// BulkAppend on RocksDB: large batches that bypass the WAL, built and written by turns on two threads, past the head
// and so invisible; then a flush, then one synced write of the heads.
#pragma once

#include <future>

#include "storage/appender.h"
#include "storage/bulk_append.h"

namespace taskledger::storage {

class RocksBulkAppend : public BulkAppend {
 public:
  // `appender` is paused; it is resumed when this is destroyed.
  RocksBulkAppend(const LogTables& tables, PublishedHeads& heads, Appender& appender, ChainWriter chain, WorkspaceNumber workspace);
  ~RocksBulkAppend() override;
  Result<void, ReadError> add(const UserId& actor, Version version, const NewRecord& record) override;
  Result<void, ReadError> add_erased(const UserId& actor, Version version, const NewRecord& record) override;
  Result<void, ReadError> add_system(const UserId& actor, Version version, const NewRecord& record) override;
  Result<Appended, ReadError> finish() override;

 private:
  Result<void, ReadError> add(const UserId& actor, Version version, const NewRecord& record, Payload payload);
  Result<void, ReadError> write_batch();
  Result<void, ReadError> await_write();

  const LogTables& tables_;
  PublishedHeads& heads_;
  Appender& appender_;
  ChainWriter chain_;
  const WorkspaceNumber workspace_;
  rocksdb::WriteBatch building_, writing_;
  std::future<rocksdb::Status> write_;
  std::uint64_t added_ = 0;
  bool prepared_ = false, finished_ = false;
};

}  // namespace taskledger::storage
