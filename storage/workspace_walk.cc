// LogTables::read_workspace: the walk behind feeds, folds of the past and exports.
#include <fmt/format.h>

#include <algorithm>

#include "storage/feed_block.h"
#include "storage/keys.h"
#include "storage/log_tables.h"

namespace taskledger::storage {
namespace {

constexpr std::uint64_t kDense = 2;  // records of the log for one of the workspace, up to which all are read
constexpr std::uint64_t kPointReads = 4 * kFeedBlockEvents;  // events read, after which the cache is left alone

// A walk over a workspace's events in stretches of at most a feed block. Mostly a workspace's records are neighbours in
// the log: then the index is asked for the ends of a stretch alone, and what lies between is read as it comes.
class WorkspaceWalk {
 public:
  WorkspaceWalk(const LogTables& tables, WorkspaceNumber workspace)
      : tables_(tables),
        workspace_(workspace),
        index_(tables.db().NewIterator({}, tables.workspaces)),
        records_(tables.db().NewIterator({}, tables.events)) {}

  // Visits [from, to]; false: the visitor has enough.
  template <class Visit>
  Result<bool, ReadError> stretch(WorkspacePosition from, WorkspacePosition to, const Visit& visit) {
    if (!long_ && read_ > kPointReads) read_long();
    read_ += to.value - from.value + 1;
    const auto last = position_of(to, true);
    if (!last) return last.error();
    const auto first = position_of(from, true);
    if (!first) return first.error();
    if (last->value - first->value > (to.value - from.value + 1) * kDense) return sparse(from, to, *first, visit);
    return dense(from, to, *first, *last, visit);
  }

 private:
  // Blocks of the table are read ahead then, and do not drive others out of the cache.
  void read_long() {
    long_ = true;
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    options.readahead_size = 1 << 20;
    records_.reset(tables_.db().NewIterator(options, tables_.events));
  }

  Result<Position, ReadError> position_of(WorkspacePosition at, bool seek) {
    const auto key = keys::in_workspace(workspace_, at.value);
    seek ? index_->Seek(key) : index_->Next();
    if (!index_->Valid() || index_->key().ToStringView() != key || index_->value().size() != 8) {
      if (!index_->status().ok()) return read_error(index_->status());
      return ReadError{fmt::format("workspace {} position {}: not in the index", workspace_.value, at.value)};
    }
    return Position{get_int<std::uint64_t>(index_->value().data())};
  }

  // The record that `records_` is at, which must be the one of `position`.
  Result<DecodedRecord, ReadError> record_at(Position position) {
    if (!records_->Valid() || records_->key().ToStringView() != keys::event(position)) {
      if (!records_->status().ok()) return read_error(records_->status());
      return tables_.why_missing(position);
    }
    const auto decoded = decode_record(position, records_->value().ToStringView());
    if (!decoded) return damaged(position, "record is damaged");
    return *decoded;
  }

  void go_to(Position position) {
    const auto key = keys::event(position);
    if (records_->Valid()) records_->Next();
    if (!records_->Valid() || records_->key().ToStringView() != key) records_->Seek(key);
  }

  template <class Visit>
  Result<bool, ReadError> dense(WorkspacePosition from, WorkspacePosition to, Position first, Position last,
                                const Visit& visit) {
    go_to(first);
    WorkspacePosition at = from;
    for (Position position = first; position <= last; position = position.next()) {
      if (position != first) records_->Next();
      const auto decoded = record_at(position);
      if (!decoded) return decoded.error();
      if (decoded->record.workspace != workspace_) continue;
      if (decoded->record.in_workspace != at || at > to)
        return damaged(position, "record is not the one that its workspace names");
      at = at.next();
      if (!visit(decoded->record)) return false;
    }
    if (at <= to) return damaged(last, "record is not the one that its workspace names");
    return true;
  }

  template <class Visit>
  Result<bool, ReadError> sparse(WorkspacePosition from, WorkspacePosition to, Position first, const Visit& visit) {
    Position position = first;
    for (WorkspacePosition at = from; at <= to; at = at.next()) {
      if (at != from) {
        const auto next = position_of(at, false);
        if (!next) return next.error();
        position = *next;
      }
      go_to(position);
      const auto decoded = record_at(position);
      if (!decoded) return decoded.error();
      if (decoded->record.workspace != workspace_ || decoded->record.in_workspace != at)
        return damaged(position, "record is not the one that its workspace names");
      if (!visit(decoded->record)) return false;
    }
    return true;
  }

  const LogTables& tables_;
  const WorkspaceNumber workspace_;
  std::unique_ptr<rocksdb::Iterator> index_, records_;
  std::uint64_t read_ = 0;
  bool long_ = false;
};

// Which feed blocks hold nothing that a filter asks for. Damaged or missing summaries skip nothing.
class BlockSkip {
 public:
  BlockSkip(const LogTables& tables, WorkspaceNumber workspace, const FeedFilter* filter)
      : workspace_(workspace), filter_(filter) {
    if (filter) summaries_.reset(tables.db().NewIterator({}, tables.blocks));
  }
  // The block of `at` is full.
  bool operator()(WorkspacePosition at) {
    if (!filter_) return false;
    const auto key = keys::in_workspace(workspace_, feed_block_of(at));
    if (summaries_->Valid() && summaries_->key().ToStringView() < key) summaries_->Next();
    if (!summaries_->Valid() || summaries_->key().ToStringView() != key) summaries_->Seek(key);
    if (!summaries_->Valid() || summaries_->key().ToStringView() != key) return false;
    const auto block = FeedBlock::decode(summaries_->value().ToStringView());
    return block && !block->may_hold(*filter_);
  }

 private:
  const WorkspaceNumber workspace_;
  const FeedFilter* filter_;
  std::unique_ptr<rocksdb::Iterator> summaries_;
};

}  // namespace

Result<void, ReadError> LogTables::read_workspace(WorkspaceNumber workspace, WorkspacePosition after,
                                                  WorkspacePosition head, const FeedFilter* filter,
                                                  const Visitor& visit) const {
  if (after >= head) return {};
  WorkspaceWalk walk(*this, workspace);
  BlockSkip skippable(*this, workspace, filter);
  const auto wanted = [&](const Record& record) { return (filter && !matches(*filter, record)) || visit(record); };
  for (WorkspacePosition at = after.next(); at <= head;) {
    const WorkspacePosition end{(feed_block_of(at) + 1) * kFeedBlockEvents};
    if (end > head || !skippable(at)) {
      const auto go_on = walk.stretch(at, std::min(end, head), wanted);
      if (!go_on) return go_on.error();
      if (!*go_on) return {};
    }
    at = end.next();
  }
  return {};
}

}  // namespace taskledger::storage
