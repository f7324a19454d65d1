#include "storage/log_tables.h"

#include <fmt/format.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>

#include "storage/fenced_file_system.h"
#include "storage/file_system_env.h"
#include "storage/info_log.h"
#include "storage/keys.h"
#include "storage/wal_writer.h"

namespace taskledger::storage {
namespace {

rocksdb::DBOptions db_options(const TablesOptions& options) {
  rocksdb::DBOptions db;
  if (options.env) db.env = options.env;
  db.create_if_missing = true;
  db.atomic_flush = true;  // an interrupted bulk append leaves the tables in one state
  // Damage in the middle of the WAL must refuse to open: the default mode drops what follows it without a word.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.recycle_log_file_num = 0;
  db.paranoid_checks = true;
  db.max_background_jobs = 2;
  db.max_total_wal_size = 4 * options.write_buffer_bytes;
  db.bytes_per_sync = 1 << 20;
  db.max_open_files = -1;
  db.stats_dump_period_sec = 0;
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> families(const TablesOptions& options) {
  auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  auto family = [&](const std::string& name, std::size_t write_buffer, bool point_reads) {
    rocksdb::ColumnFamilyOptions family;
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.checksum = rocksdb::kXXH3;
    table.format_version = 5;
    table.block_size = 16 << 10;
    if (point_reads) {
      table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
      table.block_size = 4 << 10;
      family.memtable_prefix_bloom_size_ratio = 0.1;
      family.memtable_whole_key_filtering = true;
    }
    family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    family.compression = rocksdb::kNoCompression;
    family.write_buffer_size = write_buffer;
    family.max_write_buffer_number = 3;
    family.level_compaction_dynamic_level_bytes = true;
    family.target_file_size_base = 64 << 20;
    return rocksdb::ColumnFamilyDescriptor(name, family);
  };
  const std::size_t large = options.write_buffer_bytes, small = std::max<std::size_t>(large / 4, 1 << 20);
  return {family(rocksdb::kDefaultColumnFamilyName, small, false),  // heads
          family("events", large, false),
          family("streams", large / 2, true),
          family("workspaces", small, false),
          family("blocks", small, false),
          family("idempotency", small, true),
          family("reactors", small, true)};
}

// What to open where no table can be made: a log from before the reactors' table has none, and none is an empty one.
std::vector<rocksdb::ColumnFamilyDescriptor> families_there(const rocksdb::DBOptions& settings, const std::string& path,
                                                            const TablesOptions& options) {
  auto wanted = families(options);
  std::vector<std::string> names;
  const auto listed = rocksdb::DB::ListColumnFamilies(settings, path, &names);
  if (listed.ok() && std::find(names.begin(), names.end(), wanted.back().name) == names.end()) wanted.pop_back();
  return wanted;
}

ReadError why_not_opened(const rocksdb::Status& status, const std::string& path) {
  if (!status.IsInvalidArgument() || status.ToString().find("Column family not found") == std::string::npos)
    return read_error(status);
  return {fmt::format(
      "{} lacks tables: the start that made it was killed, and the next one completes it; or it is damaged", path)};
}

}  // namespace

ReadError read_error(const rocksdb::Status& status) { return {status.ToString()}; }

ReadError damaged(Position position, std::string_view what) {
  return {fmt::format("position {}: {}", position.value, what)};
}

Result<Hash, ReadError> log_hash_of(Position position, const std::optional<std::string>& bytes) {
  if (!bytes) return damaged(position, "record is missing");
  const auto decoded = decode_record(position, *bytes);
  if (!decoded) return damaged(position, "record is damaged");
  return hashes_after(*decoded).log;
}

Result<void, ReadError> confirm_record(const Head& head, const std::optional<std::string>& bytes) {
  const auto hash = log_hash_of(head.position, bytes);
  if (!hash) return hash.error();
  if (*hash != head.hash) return damaged(head.position, "record is not the one at the head of the log");
  return {};
}

std::string encode_head(const Head& head) {
  std::string value;
  put_int(value, head.position.value);
  value += as_bytes(head.hash);
  put_int(value, head.time.ms);
  return value;
}

std::optional<Head> decode_head(std::string_view value) {
  Head head;
  ByteReader in(value);
  head.position.value = in.integer<std::uint64_t>();
  in.array(head.hash);
  head.time.ms = in.integer<std::int64_t>();
  if (!in.ok()) return std::nullopt;
  return head;
}

std::string encode_tip(const WorkspaceTip& tip) {
  std::string value;
  put_int(value, tip.head.position.value);
  value += as_bytes(tip.head.hash);
  put_int(value, tip.head.time.ms);
  put_int(value, tip.last.value);
  return value;
}

void LogTables::assign(const std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
  handles_ = handles;
  heads = handles[0], events = handles[1], streams = handles[2], workspaces = handles[3], blocks = handles[4],
  idempotency = handles[5], reactors = handles.size() > 6 ? handles[6] : nullptr;
}

// Without its file CURRENT RocksDB takes a database for none, makes a new one and removes what it does not know: all of
// the log. (A crash while the log was made leaves neither tables nor a WAL.)
Result<void, ReadError> check_not_beheaded(const std::string& path, rocksdb::Env& env) {
  if (env.FileExists(path + "/CURRENT").ok()) return {};
  std::vector<std::string> names;
  static_cast<void>(env.GetChildren(path, &names));  // there is none of a log yet to be made
  const auto is_content = [](const std::string& name) { return name.ends_with(".sst") || name.ends_with(".log"); };
  if (std::none_of(names.begin(), names.end(), is_content)) return {};
  return ReadError{path + "/CURRENT is missing, though the log's other files are there: restore a backup"};
}

// Tables that are missing are made here, since RocksDB loses a handle when it does so itself on a disk that fails
// meanwhile.
Result<std::unique_ptr<LogTables>, ReadError> LogTables::open(const std::string& path, const TablesOptions& options) {
  std::unique_ptr<LogTables> tables(new LogTables);
  auto settings = db_options(options);
  if (auto whole = check_not_beheaded(path, *settings.env); !whole) return whole.error();
  auto files = make_wal_writing_file_system(settings.env->GetFileSystem(), options.wal_fill_bytes);
  if (options.is_in_place) files = make_fenced_file_system(files, options.is_in_place);
  tables->is_in_place_ = options.is_in_place;
  tables->env_ = make_env(files, *settings.env);
  settings.env = tables->env_.get();
  settings.info_log = make_info_log(path, *settings.env);
  std::vector<std::string> names;
  if (!rocksdb::DB::ListColumnFamilies(settings, path, &names).ok()) names = {rocksdb::kDefaultColumnFamilyName};
  auto missing = families(options);
  const auto known = std::stable_partition(missing.begin(), missing.end(), [&](const auto& family) {
    return std::find(names.begin(), names.end(), family.name) != names.end();
  });
  const std::vector<rocksdb::ColumnFamilyDescriptor> there(missing.begin(), known);
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(settings, path, there, &tables->handles_, &db);
  if (!status.ok()) return read_error(status);
  tables->db_.reset(db);
  for (auto family = known; family != missing.end(); ++family) {
    rocksdb::ColumnFamilyHandle* handle = nullptr;
    const auto made = db->CreateColumnFamily(family->options, family->name, &handle);
    if (handle) tables->handles_.push_back(handle);
    if (!made.ok()) return read_error(made);
  }
  // In the order that assign() asks for.
  std::vector<rocksdb::ColumnFamilyHandle*> ordered;
  for (const auto& family : families(options)) {
    for (auto* handle : tables->handles_) {
      if (handle->GetName() == family.name) ordered.push_back(handle);
    }
  }
  tables->assign(ordered);
  return tables;
}

Result<std::unique_ptr<LogTables>, ReadError> LogTables::open_secondary(const std::string& path,
                                                                        const std::string& scratch,
                                                                        const TablesOptions& options) {
  std::unique_ptr<LogTables> tables(new LogTables);
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  auto settings = db_options(options);
  settings.create_if_missing = false;
  settings.info_log = make_no_info_log();
  const auto status =
      rocksdb::DB::OpenAsSecondary(settings, path, scratch, families_there(settings, path, options), &handles, &db);
  if (!status.ok()) return why_not_opened(status, path);
  tables->db_.reset(db);
  tables->assign(handles);
  return tables;
}

Result<std::unique_ptr<LogTables>, ReadError> LogTables::open_to_read(const std::string& path,
                                                                      const std::string& wal_directory,
                                                                      rocksdb::Env& env) {
  std::unique_ptr<LogTables> tables(new LogTables);
  TablesOptions options;
  options.block_cache_bytes = std::size_t{1} << 20;
  options.env = &env;
  auto settings = db_options(options);
  settings.create_if_missing = false;
  settings.create_missing_column_families = false;
  settings.wal_dir = wal_directory;
  settings.info_log = make_no_info_log();
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto status =
      rocksdb::DB::OpenForReadOnly(settings, path, families_there(settings, path, options), &handles, &db);
  if (!status.ok()) return why_not_opened(status, path);
  tables->db_.reset(db);
  tables->assign(handles);
  return tables;
}

Result<void, ReadError> LogTables::check_files(const std::string& path, const std::string& no_wal, rocksdb::Env& env) {
  const auto opened = open_to_read(path, no_wal, env);
  if (!opened) return opened.error();
  return {};
}

Result<std::unique_ptr<LogTables>, ReadError> LogTables::open_read_only(const std::string& path, rocksdb::Env& env) {
  return open_to_read(path, {}, env);
}

Result<std::unique_ptr<LogTables>, ReadError> LogTables::open_without_wal(const std::string& path, rocksdb::Env& env) {
  TablesOptions options;
  options.env = &env;
  std::vector<std::string> names;
  if (const auto listed = rocksdb::DB::ListColumnFamilies(db_options(options), path, &names); !listed.ok())
    return read_error(listed);
  const auto wanted = families(options);
  const bool all = std::all_of(wanted.begin(), wanted.end() - 1, [&](const auto& family) {
    return std::find(names.begin(), names.end(), family.name) != names.end();
  });
  // The folder above holds no WAL.
  if (all) return open_to_read(path, path.substr(0, path.rfind('/')), env);
  std::vector<std::string> files;
  if (const auto listed = env.GetChildren(path, &files); !listed.ok()) return read_error(listed);
  if (std::any_of(files.begin(), files.end(), [](const std::string& name) { return name.ends_with(".sst"); }))
    return ReadError{path + ": its MANIFEST names none of the table files that are there: restore a backup"};
  return std::unique_ptr<LogTables>();
}

LogTables::~LogTables() {
  if (!db_) return;
  for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close();
}

rocksdb::Status LogTables::write(const rocksdb::WriteOptions& how, rocksdb::WriteBatch& batch) const {
  const std::lock_guard lock(writing_);
  if (write_failure_.ok()) write_failure_ = db_->Write(how, &batch);
  return write_failure_;
}

rocksdb::Status LogTables::sync_wal() const {
  {
    const std::lock_guard lock(writing_);
    if (!write_failure_.ok()) return write_failure_;
  }
  const auto status = db_->SyncWAL();  // writes go on meanwhile
  const std::lock_guard lock(writing_);
  if (write_failure_.ok()) write_failure_ = status;
  return write_failure_;
}

Result<HeadRows, ReadError> LogTables::head_rows() const {
  HeadRows rows;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, heads));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const auto key = it->key().ToStringView();
    ByteReader in(it->value().ToStringView());
    if (key == keys::kGlobalHead) {
      const auto head = decode_head(it->value().ToStringView());
      if (!head) return ReadError{"a head row of the log is damaged"};
      rows.head = *head;
    } else if (key.size() == 5 && key[0] == 'W') {
      WorkspaceTip tip;
      tip.head.position.value = in.integer<std::uint64_t>();
      in.array(tip.head.hash);
      tip.head.time.ms = in.integer<std::int64_t>();
      tip.last.value = in.integer<std::uint64_t>();
      rows.workspaces.emplace(WorkspaceNumber{get_int<std::uint32_t>(key.data() + 1)}, tip);
    }
    if (!in.ok()) return ReadError{"a head row of the log is damaged"};
  }
  if (!it->status().ok()) return read_error(it->status());
  return rows;
}

Result<void, ReadError> LogTables::confirm_head(const Head& head) const {
  if (head.position.value == 0) return {};
  const auto bytes = event_bytes(head.position);
  if (!bytes) return bytes.error();
  return confirm_record(head, *bytes);
}

Result<std::optional<std::string>, ReadError> LogTables::event_bytes(Position position) const {
  std::string bytes;
  const auto status = db_->Get({}, events, keys::event(position), &bytes);
  if (status.IsNotFound()) return std::optional<std::string>{};
  if (!status.ok()) return read_error(status);
  return std::optional<std::string>(std::move(bytes));
}

ReadError LogTables::why_missing(Position position) const {
  const auto bytes = event_bytes(position);
  return bytes ? damaged(position, "record is missing") : bytes.error();
}

Result<void, ReadError> LogTables::walk(Position after, Position to, const DecodedVisitor& visit) const {
  if (to <= after) return {};
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 256 << 10;  // what stays in a core's own cache until it is copied into blocks
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, events));
  Position expected = after.next();
  for (it->Seek(keys::event(expected)); it->Valid() && expected <= to; it->Next(), expected = expected.next()) {
    if (it->key().size() != 8) return damaged(expected, "the key of a record is damaged");
    const Position found{get_int<std::uint64_t>(it->key().data())};
    if (found != expected) return why_missing(expected);
    const auto decoded = decode_record(found, it->value().ToStringView());
    if (!decoded) return damaged(found, "record is damaged");
    if (!visit(*decoded)) return {};
  }
  if (!it->status().ok()) return read_error(it->status());
  if (expected <= to) return why_missing(expected);
  return {};
}

Result<void, ReadError> LogTables::read_stream(WorkspaceNumber workspace, const Uuid& stream, Version from,
                                               Position head, const Visitor& visit) const {
  const std::string prefix = keys::stream_prefix(workspace, stream);
  std::string end = prefix + std::string(4, '\xff');
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, streams));
  rocksdb::PinnableSlice bytes;
  Version expected = std::max(from, Version{1});
  for (it->Seek(keys::stream(workspace, stream, expected)); it->Valid(); it->Next(), expected = expected.next()) {
    if (it->key().size() != keys::kStreamKeyBytes || it->value().size() != 8)
      return ReadError{"a stream row of the log is damaged"};
    const Position position{get_int<std::uint64_t>(it->value().data())};
    if (position > head) return {};
    bytes.Reset();
    const auto status = db_->Get({}, events, keys::event(position), &bytes);
    if (status.IsNotFound()) return damaged(position, "record is missing");
    if (!status.ok()) return read_error(status);
    const auto decoded = decode_record(position, bytes.ToStringView());
    if (!decoded) return damaged(position, "record is damaged");
    const Record& record = decoded->record;
    if (record.workspace != workspace || record.stream != stream || record.version != expected) {
      return damaged(position, "record is not the one that its stream names");
    }
    if (!visit(record)) return {};
  }
  if (!it->status().ok()) return read_error(it->status());
  return {};
}

Result<Version, ReadError> LogTables::version_after(WorkspaceNumber workspace, const Uuid& stream,
                                                    WorkspacePosition after) const {
  if (after.value == 0) return Version{1};
  std::string row;
  const auto status = db_->Get({}, workspaces, keys::in_workspace(workspace, after.value), &row);
  if (!status.ok() && !status.IsNotFound()) return read_error(status);
  if (row.size() != 8) return Version{1};  // past the end, or damage that whoever reads there will name
  const std::string bound = row;           // big-endian positions compare as bytes
  const std::string prefix = keys::stream_prefix(workspace, stream);
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, streams));
  it->SeekForPrev(prefix + std::string(4, '\xff'));
  if (!it->Valid() || !it->key().starts_with(prefix) || it->key().size() != keys::kStreamKeyBytes) return Version{1};
  std::uint32_t low = 1, high = get_int<std::uint32_t>(it->key().data() + keys::kStreamPrefixBytes) + 1;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    it->Seek(keys::stream(workspace, stream, {middle}));
    if (!it->Valid() || !it->key().starts_with(prefix)) return Version{1};
    it->value().ToStringView() <= bound ? low = middle + 1 : high = middle;
  }
  if (!it->status().ok()) return read_error(it->status());
  return Version{low};
}

Result<std::optional<Hash>, ReadError> LogTables::hash_at(Position position, const Head& head) const {
  if (position > head.position) return std::optional<Hash>{};
  if (position == head.position) return std::optional<Hash>(head.hash);
  auto bytes = event_bytes(position.next());  // each record carries the hash before it
  if (!bytes) return bytes.error();
  if (!*bytes) return damaged(position.next(), "record is missing");
  const auto decoded = decode_record(position.next(), **bytes);
  if (!decoded) return damaged(position.next(), "record is damaged");
  return std::optional<Hash>(hash_of(decoded->previous_log));
}

Result<std::optional<Hash>, ReadError> LogTables::workspace_hash_at(WorkspaceNumber workspace,
                                                                    WorkspacePosition position,
                                                                    const WorkspaceHead& head) const {
  if (position > head.position) return std::optional<Hash>{};
  if (position == head.position) return std::optional<Hash>(head.hash);
  std::string row;
  const auto status = db_->Get({}, workspaces, keys::in_workspace(workspace, position.value + 1), &row);
  if (!status.ok() && !status.IsNotFound()) return read_error(status);
  if (row.size() != 8) {
    return ReadError{fmt::format("workspace {} position {}: not in the index", workspace.value, position.value + 1)};
  }
  const Position next{get_int<std::uint64_t>(row.data())};
  auto bytes = event_bytes(next);
  if (!bytes) return bytes.error();
  const auto decoded = *bytes ? decode_record(next, **bytes) : std::nullopt;
  if (!decoded) return damaged(next, *bytes ? "record is damaged" : "record is missing");
  return std::optional<Hash>(hash_of(decoded->previous_workspace));
}

Result<std::optional<std::string>, ReadError> LogTables::idempotency_row(std::string_view key, Timestamp now) const {
  std::string value;
  const auto status = db_->Get({}, idempotency, keys::idempotency(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>{};
  if (!status.ok()) return read_error(status);
  if (value.size() < 8) return ReadError{"an idempotency row of the log is damaged"};
  if (get_int<std::int64_t>(value.data()) <= now.ms) return std::optional<std::string>{};
  return std::optional<std::string>(value.substr(8));
}

}  // namespace taskledger::storage
