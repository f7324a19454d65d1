#include "storage/rocks_bulk_append.h"

#include <algorithm>
#include <cstring>
#include <future>

#include "storage/keys.h"
#include "storage/log_recovery.h"
#include "storage/wal_check.h"

namespace taskledger::storage {
namespace {

constexpr std::size_t kRunRows = 4'000'000;

// Two halves on two threads, then merged.
template <class Rows, class Less>
void sort_on_two(Rows& rows, const Less& less) {
  const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / 2);
  auto half = std::async(std::launch::async, [&] { std::sort(rows.begin(), middle, less); });
  std::sort(middle, rows.end(), less);
  half.wait();
  std::inplace_merge(rows.begin(), middle, rows.end(), less);
}

}  // namespace

RocksBulkAppend::RocksBulkAppend(const LogTables& tables, PublishedHeads& heads, Appender& appender, ChainWriter chain,
                                 WorkspaceNumber workspace)
    : tables_(tables),
      heads_(heads),
      appender_(appender),
      chain_(std::move(chain)),
      workspace_(workspace),
      events_(tables.db(), tables.events, "events"),
      workspaces_(tables.db(), tables.workspaces, "workspaces") {
  TableBuilder::clear(tables.db());
  note_synced(with_heads_, {});
}

RocksBulkAppend::~RocksBulkAppend() {
  if (!finished_ && ingested_) {
    if (auto removed = remove_leftovers(tables_, heads_.rows()); !removed) appender_.fail(removed.error().what);
  }
  TableBuilder::clear(tables_.db());
  appender_.resume();
}

void RocksBulkAppend::put(rocksdb::ColumnFamilyHandle* table, const rocksdb::Slice& key, const rocksdb::Slice& value) {
  const auto keep = [this](const Result<void, ReadError>& done) {
    if (!done && !failed_) failed_ = done.error();
  };
  if (table == tables_.events) return keep(events_.add(key, value));
  if (table == tables_.workspaces && !system_) return keep(workspaces_.add(key, value));
  if (table != tables_.streams) {
    with_heads_.Put(table, key, value);
    return;
  }
  StreamRow& row = stream_rows_.emplace_back();
  std::memcpy(row.key.data(), key.data(), row.key.size());
  std::memcpy(row.position.data(), value.data(), row.position.size());
}

Result<void, ReadError> RocksBulkAppend::add(const UserId& actor, Version version, const NewRecord& record) {
  return add(actor, version, record, Payload::whole);
}

Result<void, ReadError> RocksBulkAppend::add_erased(const UserId& actor, Version version, const NewRecord& record) {
  return add(actor, version, record, Payload::erased);
}

Result<void, ReadError> RocksBulkAppend::add(const UserId& actor, Version version, const NewRecord& record,
                                             Payload payload) {
  if (!prepared_) {
    if (auto prepared = chain_.prepare(workspace_); !prepared) return prepared;
    prepared_ = true;
  }
  chain_.add(*this, workspace_, actor, true, version, record, payload);
  if (failed_) return *failed_;
  if (stream_rows_.size() >= kRunRows) return write_streams();
  return {};
}

Result<void, ReadError> RocksBulkAppend::add_system(const UserId& actor, Version version, const NewRecord& record) {
  if (auto prepared = chain_.prepare(kSystemWorkspace); !prepared) return prepared;
  system_ = true;
  chain_.add(*this, kSystemWorkspace, actor, false, version, record);
  system_ = false;
  if (failed_) return *failed_;
  return {};
}

Result<void, ReadError> RocksBulkAppend::write_streams() {
  if (stream_rows_.empty()) return {};
  sort_on_two(stream_rows_, [](const StreamRow& a, const StreamRow& b) {
    return std::memcmp(a.key.data(), b.key.data(), a.key.size()) < 0;
  });
  auto& run = *streams_.emplace_back(
      std::make_unique<TableBuilder>(tables_.db(), tables_.streams, "streams-" + std::to_string(streams_.size())));
  for (const StreamRow& row : stream_rows_) {
    if (auto added = run.add({row.key.data(), row.key.size()}, {row.position.data(), row.position.size()}); !added)
      return added;
  }
  stream_rows_.clear();
  return run.finish();
}

Result<Appended, ReadError> RocksBulkAppend::finish() {
  if (failed_) return *failed_;
  if (auto written = write_streams(); !written) return written.error();
  if (auto written = events_.finish(); !written) return written.error();
  if (auto written = workspaces_.finish(); !written) return written.error();
  std::vector<TableBuilder*> first{&events_, &workspaces_};
  if (!streams_.empty()) first.push_back(streams_.front().get());
  ingested_ = true;
  if (auto taken = ingest(tables_.db(), first); !taken) return taken.error();
  // Runs overlap each other, so each is a step of its own; all of them lie past the head.
  for (std::size_t i = 1; i < streams_.size(); ++i) {
    TableBuilder* const run = streams_[i].get();
    if (auto taken = ingest(tables_.db(), {&run, 1}); !taken) return taken.error();
  }
  chain_.put_heads(with_heads_);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (with_heads_.Count() > 0) {
    if (const auto status = tables_.write(synced, with_heads_); !status.ok()) return read_error(status);
  }
  finished_ = true;
  heads_.publish(chain_.heads(), chain_.touched());
  const auto tip = chain_.tip(workspace_);
  return Appended{chain_.head().position, tip.head.position, tip.head.time};
}

}  // namespace taskledger::storage
