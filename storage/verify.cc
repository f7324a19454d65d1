#include "storage/verify.h"

#include <fmt/format.h>

#include <future>

#include "storage/chain_check.h"
#include "storage/head_mark.h"
#include "storage/keys.h"
#include "storage/secondary.h"

namespace taskledger::storage {
namespace {

// Visits the rows of a table that name a position up to the head.
template <class Visit>
Result<void, ReadError> walk_index(const LogTables& tables, rocksdb::ColumnFamilyHandle* table, std::size_t key_bytes,
                                   Position head, const Visit& visit) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 256 << 10;
  std::unique_ptr<rocksdb::Iterator> it(tables.db().NewIterator(options, table));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (it->key().size() != key_bytes || it->value().size() != 8)
      return ReadError{"an index row of the log is damaged"};
    const Position position{get_int<std::uint64_t>(it->value().data())};
    if (position > head) continue;
    if (auto visited = visit(it->key().ToStringView(), position); !visited) return visited;
  }
  if (!it->status().ok()) return read_error(it->status());
  return {};
}

// Versions of each stream: 1, 2, 3 … The table is in their order, so nothing has to be remembered.
Result<RowSum, ReadError> check_streams(const LogTables& tables, Position head) {
  RowSum sum;
  std::string stream;
  Version version;
  auto walked = walk_index(tables, tables.streams, keys::kStreamKeyBytes, head,
                           [&](std::string_view key, Position position) -> Result<void, ReadError> {
                             if (key.substr(0, keys::kStreamPrefixBytes) != stream) {
                               stream = key.substr(0, keys::kStreamPrefixBytes);
                               version = {};
                             }
                             const Version found{get_int<std::uint32_t>(key.data() + keys::kStreamPrefixBytes)};
                             if (found != version.next()) {
                               return damaged(position, fmt::format("version {} of its stream follows version {}",
                                                                    found.value, version.value));
                             }
                             version = found;
                             sum.add(key, position);
                             return {};
                           });
  if (!walked) return walked.error();
  return sum;
}

Result<RowSum, ReadError> check_workspaces(const LogTables& tables, Position head) {
  RowSum sum;
  auto walked = walk_index(tables, tables.workspaces, 12, head,
                           [&](std::string_view key, Position position) -> Result<void, ReadError> {
                             sum.add(key, position);
                             return {};
                           });
  if (!walked) return walked.error();
  return sum;
}

// The sums differ, so some row is missing, wrong or too many: find the first.
ReadError name_bad_index_row(const LogTables& tables, Position head) {
  std::optional<ReadError> bad;
  auto row_is = [&](rocksdb::ColumnFamilyHandle* table, const std::string& key, Position position) {
    std::string value;
    return tables.db().Get({}, table, key, &value).ok() && value == keys::event(position);
  };
  auto walked = tables.walk({}, head, [&](const DecodedRecord& decoded) {
    const Record& record = decoded.record;
    if (!row_is(tables.streams, keys::stream(record.workspace, record.stream, record.version), record.position)) {
      bad = damaged(record.position, "record is missing in the index of its stream");
    } else if (!row_is(tables.workspaces, keys::in_workspace(record.workspace, record.in_workspace.value),
                       record.position)) {
      bad = damaged(record.position, "record is missing in the index of its workspace");
    }
    return !bad;
  });
  if (!walked) return walked.error();
  return bad.value_or(ReadError{"an index of the log has rows that no record asks for"});
}

// The tables that hold nothing to check against: that every block of them can be read.
Result<void, ReadError> read_through(const LogTables& tables) {
  for (auto* table : {tables.blocks, tables.heads, tables.idempotency, tables.reactors}) {
    if (table == nullptr) continue;  // of a log from before there were reactors
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    std::unique_ptr<rocksdb::Iterator> it(tables.db().NewIterator(options, table));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
    }
    if (!it->status().ok()) return read_error(it->status());
  }
  return {};
}

}  // namespace

Result<Verified, ReadError> verify_log(const DataDirectory& directory, const VerifyOptions& options) {
  // The mark first: the log is opened later, so it cannot lawfully be behind it.
  auto mark = read_head_mark(directory.head_mark());
  if (!mark) return mark.error();
  auto opened = open_secondary_tables(directory, options.scratch, std::size_t{8} << 20);
  if (!opened) return opened.error();
  const LogTables& tables = *opened->tables;
  auto heads = tables.head_rows();
  if (!heads) return heads.error();

  auto chains = check_chains(tables, *heads, options.threads, options.progress);
  if (!chains) return chains.error();
  if (*mark) {
    auto confirmed = confirm_head_mark(**mark, heads->head, tables.hash_at((*mark)->position, heads->head));
    if (!confirmed) return confirmed.error();
  }
  // The two indexes are walked at once: chains are long done by all threads when one walks the larger of them.
  auto other = options.threads == 1 ? std::launch::deferred : std::launch::async;
  auto workspaces_checked = std::async(other, [&] { return check_workspaces(tables, heads->head.position); });
  auto streams = check_streams(tables, heads->head.position);
  auto workspaces = workspaces_checked.get();
  if (!streams) return streams.error();
  if (!workspaces) return workspaces.error();
  if (*streams != chains->streams || *workspaces != chains->workspaces)
    return name_bad_index_row(tables, heads->head.position);
  if (auto readable = read_through(tables); !readable) return readable.error();
  return Verified{heads->head.position.value, heads->head};
}

Result<void, ReadError> verify_kept_head(const EventLog& log, WorkspaceNumber workspace, const WorkspaceHead& kept) {
  const auto head = log.workspace_head(workspace).position;
  if (kept.position > head) {
    return ReadError{
        fmt::format("the workspace ends at position {}, but the kept head is of position {}: its tail is lost",
                    head.value, kept.position.value)};
  }
  auto hash = log.workspace_hash_at(workspace, kept.position);
  if (!hash) return hash.error();
  if (!*hash || **hash != kept.hash) {
    return ReadError{fmt::format("workspace position {}: the history up to here is not the one of the kept head",
                                 kept.position.value)};
  }
  return {};
}

}  // namespace taskledger::storage
