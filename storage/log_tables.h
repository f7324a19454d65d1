// The RocksDB of the log: its tables (keys.h), how they are opened, and reading them. Inside `storage` only.
// Threads: reads from any; writes from the appender, or from whoever holds its place.
// Failure: every read checks what it meets; damage is a ReadError that names the file (RocksDB's text) or the position.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/event_log.h"
#include "storage/record_format.h"

namespace taskledger::storage {

struct TablesOptions {
  std::size_t block_cache_bytes = std::size_t{32} << 20;
  std::size_t write_buffer_bytes = std::size_t{32} << 20;
  rocksdb::Env* env = nullptr;             // null: the default one
  std::size_t wal_fill_bytes = 0;          // see LogOptions
  std::function<bool()> is_in_place = {};  // of who opens them to write; see fenced_file_system.h
};

// A workspace's head and the place of its last record in the whole log.
struct WorkspaceTip {
  WorkspaceHead head;
  Position last;
};

struct HeadRows {
  Head head;
  std::unordered_map<WorkspaceNumber, WorkspaceTip> workspaces;
};

class LogTables {
 public:
  static Result<std::unique_ptr<LogTables>, ReadError> open(const std::string& path, const TablesOptions& options);
  // Beside a process that has it open; `scratch` is a directory of this process alone.
  static Result<std::unique_ptr<LogTables>, ReadError> open_secondary(const std::string& path,
                                                                      const std::string& scratch,
                                                                      const TablesOptions& options);
  // That every table file is there and opens: open_secondary() takes what it cannot open for empty. `no_wal` is an
  // empty directory.
  static Result<void, ReadError> check_files(const std::string& path, const std::string& no_wal, rocksdb::Env& env);
  // Of a backup, through the backup engine's Env.
  static Result<std::unique_ptr<LogTables>, ReadError> open_read_only(const std::string& path, rocksdb::Env& env);
  // To look at before it is opened for writing: its tables alone, without what the WALs hold. Null: whoever made it
  // ended before it had any.
  static Result<std::unique_ptr<LogTables>, ReadError> open_without_wal(const std::string& path, rocksdb::Env& env);
  ~LogTables();
  LogTables(const LogTables&) = delete;
  LogTables& operator=(const LogTables&) = delete;

  rocksdb::DB& db() const { return *db_; }
  // All that is written to the WAL goes through these two: after the first failure nothing does. RocksDB itself may let
  // the next one go on in a file that it knows to be broken (its own assertion ends the process there).
  [[nodiscard]] rocksdb::Status write(const rocksdb::WriteOptions& how, rocksdb::WriteBatch& batch) const;
  [[nodiscard]] rocksdb::Status sync_wal() const;
  rocksdb::ColumnFamilyHandle* events = nullptr;
  rocksdb::ColumnFamilyHandle* streams = nullptr;
  rocksdb::ColumnFamilyHandle* workspaces = nullptr;
  rocksdb::ColumnFamilyHandle* blocks = nullptr;
  rocksdb::ColumnFamilyHandle* heads = nullptr;
  rocksdb::ColumnFamilyHandle* idempotency = nullptr;
  // The reactors' own rows (reactor_store.h); null in a log from before them that is not opened for writing.
  rocksdb::ColumnFamilyHandle* reactors = nullptr;
  [[nodiscard]] const std::vector<rocksdb::ColumnFamilyHandle*>& all() const { return handles_; }
  // Held by who has tables written anew for what is in them: files that appear meanwhile would escape a purge.
  [[nodiscard]] std::mutex& rewriting() const { return rewriting_; }
  // Whether they are still where they were opened.
  [[nodiscard]] bool are_in_place() const { return !is_in_place_ || is_in_place_(); }

  [[nodiscard]] Result<HeadRows, ReadError> head_rows() const;
  // That the record at the head is there and has the head's hash: they stand in different tables.
  [[nodiscard]] Result<void, ReadError> confirm_head(const Head& head) const;
  // nullopt: no such record.
  [[nodiscard]] Result<std::optional<std::string>, ReadError> event_bytes(Position position) const;

  // Why an iterator does not show the record: its block cannot be read, as a point read says, or it is missing.
  [[nodiscard]] ReadError why_missing(Position position) const;

  using DecodedVisitor = std::function<bool(const DecodedRecord&)>;
  // Positions in (after, to], in order, gapless. `fill_cache` false for walks of the whole log.
  Result<void, ReadError> walk(Position after, Position to, const DecodedVisitor& visit) const;
  // As in EventLog; records past the given heads are not there.
  Result<void, ReadError> read_stream(WorkspaceNumber workspace, const Uuid& stream, Version from, Position head,
                                      const Visitor& visit) const;
  // The first version of the stream that lies after `after` in its workspace; one more than the last if none does.
  [[nodiscard]] Result<Version, ReadError> version_after(WorkspaceNumber workspace, const Uuid& stream,
                                                         WorkspacePosition after) const;
  Result<void, ReadError> read_workspace(WorkspaceNumber workspace, WorkspacePosition after, WorkspacePosition head,
                                         const FeedFilter* filter, const Visitor& visit) const;
  [[nodiscard]] Result<std::optional<Hash>, ReadError> hash_at(Position position, const Head& head) const;
  [[nodiscard]] Result<std::optional<Hash>, ReadError> workspace_hash_at(WorkspaceNumber workspace,
                                                                         WorkspacePosition position,
                                                                         const WorkspaceHead& head) const;
  // The row's value while it has not expired.
  [[nodiscard]] Result<std::optional<std::string>, ReadError> idempotency_row(std::string_view key,
                                                                              Timestamp now) const;

 private:
  LogTables() = default;
  // `wal_directory` empty: as usual, where the tables are.
  static Result<std::unique_ptr<LogTables>, ReadError> open_to_read(const std::string& path,
                                                                    const std::string& wal_directory,
                                                                    rocksdb::Env& env);
  void assign(const std::vector<rocksdb::ColumnFamilyHandle*>& handles);
  std::function<bool()> is_in_place_;
  std::unique_ptr<rocksdb::Env> env_;  // of `db_`, where it has one of its own
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  mutable std::mutex rewriting_;
  mutable std::mutex writing_;
  mutable rocksdb::Status write_failure_;
};

// Refuses a directory that holds a log's content without CURRENT.
[[nodiscard]] Result<void, ReadError> check_not_beheaded(const std::string& path, rocksdb::Env& env);
[[nodiscard]] ReadError read_error(const rocksdb::Status& status);
[[nodiscard]] ReadError damaged(Position position, std::string_view what);
// The log's hash after the record that `bytes` are; nullopt: it is missing.
[[nodiscard]] Result<Hash, ReadError> log_hash_of(Position position, const std::optional<std::string>& bytes);
// That `bytes` are the record at `head`.
[[nodiscard]] Result<void, ReadError> confirm_record(const Head& head, const std::optional<std::string>& bytes);
// Of `heads`.
[[nodiscard]] std::optional<Head> decode_head(std::string_view value);
[[nodiscard]] std::string encode_head(const Head& head);
[[nodiscard]] std::string encode_tip(const WorkspaceTip& tip);

}  // namespace taskledger::storage
