#include "storage/rocks_bulk_append.h"

#include "storage/keys.h"
#include "storage/log_recovery.h"

namespace taskledger::storage {
namespace {

constexpr std::size_t kBatchBytes = std::size_t{2} << 20;

}  // namespace

RocksBulkAppend::RocksBulkAppend(const LogTables& tables, PublishedHeads& heads, Appender& appender, ChainWriter chain,
                                 WorkspaceNumber workspace)
    : tables_(tables), heads_(heads), appender_(appender), chain_(std::move(chain)), workspace_(workspace) {}

RocksBulkAppend::~RocksBulkAppend() {
  if (write_.valid()) write_.wait();
  if (!finished_ && added_ > 0) {
    if (auto removed = remove_leftovers(tables_, heads_.rows()); !removed) appender_.fail(removed.error().what);
  }
  appender_.resume();
}

Result<void, ReadError> RocksBulkAppend::add(const UserId& actor, Version version, const NewRecord& record) {
  return add(actor, version, record, Payload::whole);
}

Result<void, ReadError> RocksBulkAppend::add_erased(const UserId& actor, Version version, const NewRecord& record) {
  return add(actor, version, record, Payload::erased);
}

Result<void, ReadError> RocksBulkAppend::add(const UserId& actor, Version version, const NewRecord& record, Payload payload) {
  if (!prepared_) {
    if (auto prepared = chain_.prepare(workspace_); !prepared) return prepared;
    prepared_ = true;
  }
  chain_.add(building_, workspace_, actor, true, version, record, payload);
  ++added_;
  if (building_.GetDataSize() >= kBatchBytes) return write_batch();
  return {};
}

Result<void, ReadError> RocksBulkAppend::add_system(const UserId& actor, Version version, const NewRecord& record) {
  if (auto prepared = chain_.prepare(kSystemWorkspace); !prepared) return prepared;
  chain_.add(building_, kSystemWorkspace, actor, false, version, record);
  ++added_;
  return {};
}

Result<void, ReadError> RocksBulkAppend::await_write() {
  if (!write_.valid()) return {};
  if (const auto status = write_.get(); !status.ok()) return read_error(status);
  return {};
}

Result<void, ReadError> RocksBulkAppend::write_batch() {
  if (auto written = await_write(); !written) return written;
  std::swap(building_, writing_);
  building_.Clear();
  write_ = std::async(std::launch::async, [this] {
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    return tables_.db().Write(options, &writing_);
  });
  return {};
}

Result<Appended, ReadError> RocksBulkAppend::finish() {
  if (auto written = write_batch(); !written) return written.error();
  if (auto written = await_write(); !written) return written.error();
  auto status = tables_.db().Flush({}, tables_.all());
  rocksdb::WriteBatch heads;
  chain_.put_heads(heads);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (status.ok() && heads.Count() > 0) status = tables_.db().Write(synced, &heads);
  if (!status.ok()) return read_error(status);
  finished_ = true;
  heads_.publish(chain_.heads(), chain_.touched());
  const auto tip = chain_.tip(workspace_);
  return Appended{chain_.head().position, tip.head.position, tip.head.time};
}

}  // namespace taskledger::storage
