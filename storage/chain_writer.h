// Gives records their place: position, workspace position, time and hashes, and hands on their rows: to a write batch,
// or to whoever builds tables of them. The working heads run ahead of what is durable; whoever writes the rows
// publishes them after its sync. Threads: one at a time.
#pragma once

#include <rocksdb/write_batch.h>

#include <string>
#include <unordered_map>

#include "core/clock.h"
#include "storage/feed_block.h"
#include "storage/log_tables.h"

namespace taskledger::storage {

// Takes the rows of one record after the other.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual void put(rocksdb::ColumnFamilyHandle* table, const rocksdb::Slice& key, const rocksdb::Slice& value) = 0;
};

class BatchSink final : public RowSink {
 public:
  explicit BatchSink(rocksdb::WriteBatch& batch) : batch_(batch) {}
  void put(rocksdb::ColumnFamilyHandle* table, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    batch_.Put(table, key, value);
  }

 private:
  rocksdb::WriteBatch& batch_;
};

enum class Payload { whole, erased };  // erased: only the place of a payload, as after an erasure

class ChainWriter {
 public:
  ChainWriter(const LogTables& tables, HeadRows heads, Clock clock, RandomBytes random);

  // Must have succeeded for a workspace before records are added to it, and is called for each commit, an empty one
  // too: none that comes later is stamped earlier than now. ReadError: the workspace's last block could not be read.
  Result<void, ReadError> prepare(WorkspaceNumber workspace);
  // Hands on the record and its index rows. The views of what is returned point into `record`.
  Record add(RowSink& rows, WorkspaceNumber workspace, const UserId& actor, bool imported, Version version,
             const NewRecord& record, Payload payload = Payload::whole);
  // Appends to `batch` the global head and the heads of the workspaces added to since the last call.
  void put_heads(rocksdb::WriteBatch& batch);

  [[nodiscard]] const Head& head() const { return heads_.head; }
  [[nodiscard]] WorkspaceTip tip(WorkspaceNumber workspace) const;
  [[nodiscard]] const HeadRows& heads() const { return heads_; }
  // The workspaces of the last put_heads().
  [[nodiscard]] const std::vector<WorkspaceNumber>& touched() const { return touched_; }

 private:
  struct Workspace {
    FeedBlock block;  // of the positions after the last full block
    bool loaded = false, touched = false;
  };
  Nonce nonce();
  Timestamp now();

  const LogTables& tables_;
  HeadRows heads_;
  Clock clock_;
  Timestamp seen_;  // the latest that the clock has said: it may be set back
  RandomBytes random_;
  std::unordered_map<WorkspaceNumber, Workspace> workspaces_;
  std::vector<WorkspaceNumber> pending_, touched_;
  std::string bytes_;
  std::array<std::uint8_t, 4096> nonces_{};
  std::size_t nonces_used_ = sizeof(nonces_);
};

}  // namespace taskledger::storage
