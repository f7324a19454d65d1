#include "storage/chain_writer.h"

#include <algorithm>
#include <cstring>

#include "storage/keys.h"

namespace taskledger::storage {

ChainWriter::ChainWriter(const LogTables& tables, HeadRows heads, Clock clock, RandomBytes random)
    : tables_(tables), heads_(std::move(heads)), clock_(std::move(clock)), random_(std::move(random)) {}

Nonce ChainWriter::nonce() {
  if (nonces_used_ == nonces_.size()) {
    random_(nonces_);
    nonces_used_ = 0;
  }
  Nonce nonce;
  std::memcpy(nonce.data(), nonces_.data() + nonces_used_, nonce.size());
  nonces_used_ += nonce.size();
  return nonce;
}

Timestamp ChainWriter::now() { return seen_ = std::max(seen_, clock_()); }

WorkspaceTip ChainWriter::tip(WorkspaceNumber workspace) const {
  const auto found = heads_.workspaces.find(workspace);
  return found == heads_.workspaces.end() ? WorkspaceTip{} : found->second;
}

Result<void, ReadError> ChainWriter::prepare(WorkspaceNumber workspace) {
  static_cast<void>(now());
  Workspace& state = workspaces_[workspace];
  if (state.loaded) return {};
  const WorkspacePosition head = tip(workspace).head.position;
  const WorkspacePosition full{head.value / kFeedBlockEvents * kFeedBlockEvents};
  state.block = {};
  auto read = tables_.read_workspace(workspace, full, head, nullptr, [&](const Record& record) {
    state.block.add(record);
    return true;
  });
  if (read) state.loaded = true;
  return read;
}

Record ChainWriter::add(RowSink& rows, WorkspaceNumber workspace, const UserId& actor, bool imported, Version version,
                        const NewRecord& given, Payload payload) {
  WorkspaceTip& tip = heads_.workspaces[workspace];
  Workspace& state = workspaces_[workspace];
  Record record;
  record.position = heads_.head.position.next();
  record.in_workspace = tip.head.position.next();
  record.workspace = workspace;
  record.stream = given.stream;
  record.version = version;
  record.type = given.type;
  record.imported = imported;
  record.time = given.time ? *given.time : std::max(now(), tip.head.time);
  record.actor = actor;
  if (given.id) record.id = *given.id;
  if (payload == Payload::whole) record.payload = given.payload;
  if (given.trace) record.trace = std::string_view(*given.trace).substr(0, kMaxTraceBytes);
  record.before = given.before.get();
  if (payload == Payload::whole) record.event = given.event.get();

  bytes_.clear();
  const auto after = encode_record(bytes_, record, {heads_.head.hash, tip.head.hash}, nonce());
  // The digest of nothing, salted: the chains need one, and what was there is not known here.
  if (payload == Payload::erased) bytes_ = erase_payload(*decode_record(record.position, bytes_));
  const std::string key = keys::event(record.position);
  rows.put(tables_.events, key, bytes_);
  rows.put(tables_.streams, keys::stream(workspace, record.stream, version), key);
  rows.put(tables_.workspaces, keys::in_workspace(workspace, record.in_workspace.value), key);
  state.block.add(record);
  if (record.in_workspace.value % kFeedBlockEvents == 0) {
    rows.put(tables_.blocks, keys::in_workspace(workspace, feed_block_of(record.in_workspace)), state.block.encode());
    state.block = {};
  }

  heads_.head = {record.position, after.log, std::max(heads_.head.time, record.time)};
  tip = {{record.in_workspace, after.workspace, std::max(tip.head.time, record.time)}, record.position};
  if (!state.touched) {
    state.touched = true;
    pending_.push_back(workspace);
  }
  return record;
}

void ChainWriter::put_heads(rocksdb::WriteBatch& batch) {
  touched_.swap(pending_);
  pending_.clear();
  if (touched_.empty()) return;
  batch.Put(tables_.heads, rocksdb::Slice(keys::kGlobalHead.data(), keys::kGlobalHead.size()),
            encode_head(heads_.head));
  for (auto workspace : touched_) {
    workspaces_[workspace].touched = false;
    batch.Put(tables_.heads, keys::workspace_head(workspace), encode_tip(heads_.workspaces[workspace]));
  }
}

}  // namespace taskledger::storage
