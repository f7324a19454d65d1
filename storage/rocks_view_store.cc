#include "storage/rocks_view_store.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>

#include "core/periodic.h"
#include "storage/bytes.h"
#include "storage/fenced_file_system.h"
#include "storage/file_system_env.h"
#include "storage/info_log.h"
#include "storage/log_tables.h"
#include "storage/obsolete_files.h"
#include "storage/sha256.h"
#include "storage/small_tables.h"
#include "storage/store_figures.h"
#include "storage/table_builder.h"
#include "storage/view_keys.h"

namespace taskledger::storage {
namespace {

constexpr auto kShortLived = TableBuilder::Life::short_lived;

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

rocksdb::Options store_options(const ViewOptions& given, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.atomic_flush = true;
  options.paranoid_checks = true;
  options.max_background_jobs = 2;
  options.max_open_files = -1;
  options.stats_dump_period_sec = 0;
  options.bytes_per_sync = 1 << 20;
  options.write_buffer_size = given.write_buffer_bytes;
  options.max_write_buffer_number = 3;
  options.compression = rocksdb::kLZ4Compression;
  options.level_compaction_dynamic_level_bytes = true;
  // Every write of many rows is a file of its own here, its keys all over the table, so that a compaction takes in the
  // whole table: rather seldom. Who reads a table reads all of it, or few rows, most of which are there: the last level
  // has no filters.
  options.level0_file_num_compaction_trigger = 12;
  options.level0_slowdown_writes_trigger = 32;
  options.level0_stop_writes_trigger = 48;
  options.optimize_filters_for_hits = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  table.block_size = 16 << 10;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// Files that a bulk load was writing when the process ended.
void remove_unfinished_loads(const std::string& path) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    const std::string name = entry.path().filename().string();
    std::error_code ignored;
    if (name.starts_with("load-") && name.ends_with(".sst")) std::filesystem::remove(entry.path(), ignored);
  }
}

// Why a store cannot be opened.
struct Unusable {
  std::string why;
  bool may_pass = false;  // nothing says that it is damaged
};

// RocksDB wraps errors of the system in others: "Corruption: … IO error: …", or "Invalid argument: Direct I/O is not
// supported" of a file that it could not open. A file that is gone does not pass.
Unusable unusable(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  const bool is_damaged = status.IsCorruption() && text.find("IO error") == std::string::npos;
  const bool is_gone = text.find("No such file") != std::string::npos;
  return {read_error(status).what, !is_damaged && !is_gone && !status.IsNotSupported()};
}

class Store final : public RocksViewStore {
 public:
  static Result<std::unique_ptr<Store>, Unusable> open(const std::string& path, const ViewOptions& given,
                                                       std::function<bool()> is_in_place) {
    auto store = std::make_unique<Store>();
    store->path_ = path;
    store->large_write_ = given.large_write;
    remove_unfinished_loads(path);
    store->options_ = store_options(given, rocksdb::NewLRUCache(given.block_cache_bytes));
    rocksdb::Env& base = given.env != nullptr ? *given.env : *rocksdb::Env::Default();
    store->env_ = make_env(make_fenced_file_system(base.GetFileSystem(), std::move(is_in_place)), base);
    store->options_.env = store->env_.get();
    std::vector<std::string> files;
    if (const auto status = store->env_->GetChildren(path, &files); !status.ok() && !status.IsNotFound())
      return unusable(status);
    const bool is_new = std::all_of(files.begin(), files.end(), [](const auto& name) { return name.starts_with('.'); });
    store->options_.info_log = make_info_log(path, *store->options_.env);
    // Of what has lost its list of files nothing is used.
    std::vector<std::string> names{rocksdb::kDefaultColumnFamilyName};
    if (!is_new) {
      if (auto status = rocksdb::DB::ListColumnFamilies(store->options_, path, &names); !status.ok())
        return unusable(status);
    }
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const auto& name : names) families.emplace_back(name, store->options_);
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    if (auto status = rocksdb::DB::Open(store->options_, path, families, &handles, &db); !status.ok())
      return unusable(status);
    store->db_.reset(db);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == rocksdb::kDefaultColumnFamilyName) {
        store->meta_ = handles[i];
      } else if (auto id = view_keys::parse_family(names[i])) {
        store->tables_.emplace(*id, store->own(handles[i]));
      } else {
        store->db_->DestroyColumnFamilyHandle(handles[i]);
      }
    }
    TableBuilder::clear(*db);
    if (auto unusable = store->load()) return *unusable;
    store->merging_.emplace("view-merge", given.merge_interval, [self = store.get()] { self->merge(); });
    return store;
  }

  ~Store() override {
    merging_.reset();
    if (!db_) return;
    static_cast<void>(flush());
    tables_.clear();
    if (meta_) db_->DestroyColumnFamilyHandle(meta_);
    db_->Close();
  }

  Result<void, ReadError> check_blocks() const override {
    if (const auto status = db_->VerifyChecksum(); !status.ok()) return read_error(status);
    return {};
  }

  std::uint64_t generation(std::string_view projection) const override {
    std::shared_lock lock(mutex_);
    const auto found = serving_.find(std::string(projection));
    return found == serving_.end() ? 1 : found->second;
  }

  Result<std::optional<Checkpoint>, ReadError> checkpoint(std::string_view projection,
                                                          std::uint64_t generation) const override {
    std::string value;
    const auto status = db_->Get({}, meta_, view_keys::checkpoint(projection, generation), &value);
    if (status.IsNotFound()) return std::optional<Checkpoint>{};
    if (!status.ok()) return read_error(status);
    ByteReader in(value);
    Checkpoint checkpoint;
    checkpoint.position.value = in.integer<std::uint64_t>();
    in.array(checkpoint.hash);
    if (!in.ok()) return ReadError{"a checkpoint of the views is damaged"};
    return std::optional<Checkpoint>(checkpoint);
  }

  Result<void, ReadError> write(const std::vector<TableWrite>& tables, const Checkpoint& checkpoint) override {
    std::string value;
    put_int(value, checkpoint.position.value);
    value += as_bytes(checkpoint.hash);
    std::size_t rows = 0;
    for (const auto& table : tables) rows += table.rows.size();
    auto written = rows < large_write_ ? write_small(tables, value) : write_large(tables, value);
    // What kept RocksDB from writing may have passed (space, descriptors): let the next try find out.
    if (!written) db_->Resume().PermitUncheckedError();
    return written;
  }

  Result<void, ReadError> scan(std::string_view projection, std::uint64_t generation, std::string_view from,
                               std::string_view to,
                               const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    auto handle = existing(projection, generation);
    if (!handle) return {};
    rocksdb::ReadOptions options;
    const rocksdb::Slice upper = slice(to);
    if (!to.empty()) options.iterate_upper_bound = &upper;
    options.readahead_size = 256 << 10;
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, handle.get()));
    for (it->Seek(slice(from)); it->Valid(); it->Next()) {
      if (!visit({it->key().data(), it->key().size()}, {it->value().data(), it->value().size()})) return {};
    }
    if (!it->status().ok()) return read_error(it->status());
    return {};
  }

  Result<std::optional<std::string>, ReadError> get(std::string_view projection, std::uint64_t generation,
                                                    std::string_view key) const override {
    auto handle = existing(projection, generation);
    if (!handle) return std::optional<std::string>{};
    std::string value;
    const auto status = db_->Get({}, handle.get(), slice(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>{};
    if (!status.ok()) return read_error(status);
    return std::optional<std::string>(std::move(value));
  }

  Result<std::uint64_t, ReadError> begin_generation(std::string_view projection) override {
    std::uint64_t next = 0;
    {
      std::unique_lock lock(mutex_);
      const auto found = serving_.find(std::string(projection));
      next = std::max(highest_[std::string(projection)], found == serving_.end() ? 1 : found->second) + 1;
      highest_[std::string(projection)] = next;
    }
    auto made = table_of(projection, next, true);
    if (!made) return made.error();
    return next;
  }

  Result<void, ReadError> bulk_load(std::string_view projection, std::uint64_t generation,
                                    const std::function<bool(std::string& key, std::string& value)>& next) override {
    auto handle = table_of(projection, generation, true);
    if (!handle) return handle.error();
    // Files of bounded size; the names of no two loads meet.
    constexpr std::uint64_t kFileBytes = std::uint64_t{64} << 20;
    std::vector<std::string> files;
    rocksdb::Status status;
    std::string key, value;
    bool more = next(key, value);
    while (more && status.ok()) {
      constexpr bool kInvalidateCache = true, kNoFilters = true;  // they are the last level
      rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), options_, handle->get(), kInvalidateCache,
                                    rocksdb::Env::IO_TOTAL, kNoFilters);
      files.push_back(fmt::format("{}/load-{}.{}.sst", path_, view_keys::family(projection, generation), next_file_++));
      status = writer.Open(files.back());
      while (status.ok() && more && writer.FileSize() < kFileBytes) {
        status = writer.Put(key, value);
        more = next(key, value);
      }
      if (status.ok()) status = writer.Finish();
    }
    if (status.ok() && !files.empty()) {
      rocksdb::IngestExternalFileOptions ingest;
      ingest.move_files = true;
      ingest.write_global_seqno = false;
      status = db_->IngestExternalFile(handle->get(), files, ingest);
    }
    for (const auto& file : files) options_.env->DeleteFile(file);
    if (!status.ok()) return read_error(status);
    return {};
  }

  Result<void, ReadError> activate(const std::vector<std::pair<std::string, std::uint64_t>>& generations) override {
    // The rows and checkpoints of the new generations first, then the marker: a crash between leaves the old ones
    // serving.
    if (auto flushed = flush(); !flushed) return flushed;
    rocksdb::WriteBatch batch;
    for (const auto& [projection, generation] : generations) {
      std::string value;
      put_int(value, generation);
      batch.Put(meta_, view_keys::serving(projection), value);
    }
    if (auto written = write_batch(batch); !written) return written;
    if (auto flushed = flush(); !flushed) return flushed;
    std::unique_lock lock(mutex_);
    for (const auto& [projection, generation] : generations) serving_[projection] = generation;
    return {};
  }

  void drop(std::string_view projection, std::uint64_t generation) override {
    Table table;
    {
      std::unique_lock lock(mutex_);
      const auto found = tables_.find(view_keys::TableId(projection, generation));
      if (found == tables_.end()) return;
      table = std::move(found->second);
      tables_.erase(found);
      dropped_.push_back(table);
    }
    // Leftovers of a failed drop go at the next opening.
    rocksdb::WriteBatch batch;
    batch.Delete(meta_, view_keys::checkpoint(projection, generation));
    static_cast<void>(write_batch(batch));
    static_cast<void>(db_->DropColumnFamily(table.get()));  // its files go when the last reader has let go of it
  }

  Result<void, ReadError> flush() override {
    const auto tables = all_tables();
    if (auto status = db_->Flush({}, handles_of(tables)); !status.ok()) return read_error(status);
    return {};
  }

  Result<void, ReadError> purge(const std::atomic<bool>& give_up) override {
    const std::lock_guard lock(purging_);
    std::map<view_keys::TableId, std::vector<std::string>> erased;
    rocksdb::WriteBatch batch;
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, meta_));
    for (it->Seek("E"); it->Valid() && it->key().starts_with("E"); it->Next()) {
      const std::string row = it->key().ToString();
      const std::size_t end = row.find('\0');
      if (end == row.npos || row.size() < end + 9) return ReadError{"a marker of the views is damaged"};
      erased[{row.substr(1, end - 1), get_int<std::uint64_t>(row.data() + end + 1)}].push_back(row.substr(end + 9));
      batch.Delete(meta_, row);
    }
    if (!it->status().ok()) return read_error(it->status());
    it.reset();
    if (erased.empty()) return {};
    if (auto flushed = flush(); !flushed) return flushed;
    for (const auto& [id, keys] : erased) {
      if (const Table table = existing(id.first, id.second)) {
        // One that a rebuild replaces meanwhile is waited for below.
        auto purged = purge_table(*table, keys, give_up);
        if (!purged && existing(id.first, id.second)) return purged;
      }
    }
    if (auto gone = wait_for_dropped(give_up); !gone) return gone;
    if (auto written = write_batch(batch); !written) return written;
    return flush();
  }

  StoreFigures figures() const override {
    const auto tables = all_tables();
    return store_figures(*db_, handles_of(tables));
  }

  Store() = default;

 private:
  void merge() {
    const std::unique_lock purging(purging_, std::try_to_lock);
    if (!purging) return;
    const auto tables = all_tables();
    merge_small_tables(*db_, handles_of(tables));
  }

  // Readers hold one each, so that a table that is dropped meanwhile stays until they are done.
  using Table = std::shared_ptr<rocksdb::ColumnFamilyHandle>;
  Table own(rocksdb::ColumnFamilyHandle* handle) {
    return {handle, [db = db_.get()](rocksdb::ColumnFamilyHandle* one) { db->DestroyColumnFamilyHandle(one); }};
  }
  std::vector<Table> all_tables() const {
    std::vector<Table> all;
    std::shared_lock lock(mutex_);
    for (const auto& [id, table] : tables_) all.push_back(table);
    return all;
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles_of(const std::vector<Table>& tables) const {
    std::vector<rocksdb::ColumnFamilyHandle*> handles{meta_};
    for (const Table& table : tables) handles.push_back(table.get());
    return handles;
  }

  // `keys` in order. A few are rewritten one by one, many with what lies between them.
  Result<void, ReadError> purge_table(rocksdb::ColumnFamilyHandle& table, const std::vector<std::string>& keys,
                                      const std::atomic<bool>& give_up) {
    constexpr std::size_t kFew = 8;
    std::vector<std::pair<rocksdb::Slice, rocksdb::Slice>> ranges;
    if (keys.size() > kFew) {
      ranges.emplace_back(keys.front(), keys.back());
    } else {
      for (const auto& key : keys) ranges.emplace_back(key, key);
    }
    std::vector<std::string> files;
    for (const auto& [first, last] : ranges) {
      if (const auto status = rewrite_tables(*db_, &table, first, last, files); !status.ok()) return read_error(status);
    }
    return wait_until_removed(*db_, files, give_up);
  }

  // Until nobody reads a table that was dropped.
  Result<void, ReadError> wait_for_dropped(const std::atomic<bool>& give_up) {
    for (;;) {
      {
        const std::unique_lock lock(mutex_);
        std::erase_if(dropped_, [](const auto& table) { return table.expired(); });
        if (dropped_.empty()) return {};
      }
      if (give_up) return ReadError{"a table that was replaced is still read"};
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  // By way of memtables, which take neighbours at a fraction of the cost.
  Result<void, ReadError> write_small(const std::vector<TableWrite>& tables, const std::string& checkpoint) {
    rocksdb::WriteBatch batch;
    for (const auto& table : tables) {
      auto handle = table_of(table.projection, table.generation, true);
      if (!handle) return handle.error();
      for (const std::uint32_t i : table.rows.in_order()) {
        const auto row = table.rows[i];
        if (row.value) {
          batch.Put(handle->get(), slice(row.key), slice(*row.value));
        } else {
          batch.Delete(handle->get(), slice(row.key));
        }
      }
      batch.Put(meta_, view_keys::checkpoint(table.projection, table.generation), checkpoint);
      for (const auto& key : table.erased)
        batch.Put(meta_, view_keys::erased(table.projection, table.generation, key), {});
    }
    return write_batch(batch);
  }

  // By way of sorted tables, which cost a third of going through memtables, and are on disk at once: rows of earlier
  // checkpoints must be so before.
  Result<void, ReadError> write_large(const std::vector<TableWrite>& tables, const std::string& checkpoint) {
    if (auto flushed = flush(); !flushed) return flushed;
    std::vector<std::unique_ptr<TableBuilder>> builders;
    static const std::string kNothing;
    std::map<std::string, const std::string*> markers;
    for (const auto& table : tables) {
      auto handle = table_of(table.projection, table.generation, true);
      if (!handle) return handle.error();
      auto& builder = builders.emplace_back(std::make_unique<TableBuilder>(
          *db_, handle->get(), view_keys::family(table.projection, table.generation), kShortLived));
      for (const std::uint32_t i : table.rows.in_order()) {
        const auto row = table.rows[i];
        auto added = row.value ? builder->add(slice(row.key), slice(*row.value)) : builder->remove(slice(row.key));
        if (!added) return added;
      }
      markers.emplace(view_keys::checkpoint(table.projection, table.generation), &checkpoint);
      for (const auto& key : table.erased)
        markers.emplace(view_keys::erased(table.projection, table.generation, key), &kNothing);
    }
    if (!tables.empty()) {
      auto& builder = builders.emplace_back(std::make_unique<TableBuilder>(
          *db_, meta_, view_keys::family(tables[0].projection, tables[0].generation) + ".checkpoint", kShortLived));
      for (const auto& [key, value] : markers) {
        if (auto added = builder->add(key, *value); !added) return added;
      }
    }
    std::vector<TableBuilder*> all;
    for (const auto& builder : builders) {
      if (auto finished = builder->finish(); !finished) return finished;
      all.push_back(builder.get());
    }
    return ingest(*db_, all);
  }

  Result<void, ReadError> write_batch(rocksdb::WriteBatch& batch) {
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    if (auto status = db_->Write(options, &batch); !status.ok()) return read_error(status);
    return {};
  }

  Table existing(std::string_view projection, std::uint64_t generation) const {
    std::shared_lock lock(mutex_);
    const auto found = tables_.find(view_keys::TableId(projection, generation));
    return found == tables_.end() ? nullptr : found->second;
  }

  Result<Table, ReadError> table_of(std::string_view projection, std::uint64_t generation, bool make) {
    if (auto table = existing(projection, generation); table || !make) return table;
    std::unique_lock lock(mutex_);
    rocksdb::ColumnFamilyHandle* handle = nullptr;
    const auto status = db_->CreateColumnFamily(options_, view_keys::family(projection, generation), &handle);
    // A handle with an error: the table was made, only RocksDB's file of options could not be written.
    if (!handle) return read_error(status);
    Table table = own(handle);
    tables_.emplace(view_keys::TableId(projection, generation), table);
    if (!status.ok()) return read_error(status);
    auto& highest = highest_[std::string(projection)];
    highest = std::max(highest, generation);
    return table;
  }

  // Reads the markers and drops what an interrupted rebuild left.
  std::optional<Unusable> load() {
    std::string format;
    auto status = db_->Get({}, meta_, slice(view_keys::kFormat), &format);
    if (status.IsNotFound() && tables_.empty()) {
      rocksdb::WriteBatch batch;
      batch.Put(meta_, slice(view_keys::kFormat), slice(view_keys::kFormatName));
      auto written = write_batch(batch);
      if (written) written = flush();
      if (!written) return Unusable{written.error().what, true};
      return std::nullopt;
    }
    if (!status.ok() && !status.IsNotFound()) return unusable(status);
    if (format != view_keys::kFormatName) return Unusable{fmt::format("views have another format ('{}')", format)};
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, meta_));
    for (it->Seek("S"); it->Valid() && it->key().starts_with("S"); it->Next()) {
      if (it->value().size() != 8) return Unusable{"a marker of the views is damaged"};
      serving_[it->key().ToString().substr(1)] = get_int<std::uint64_t>(it->value().data());
    }
    if (!it->status().ok()) return unusable(it->status());
    std::vector<view_keys::TableId> leftovers;
    for (const auto& [id, handle] : tables_) {
      highest_[id.first] = std::max(highest_[id.first], id.second);
      if (id.second != generation(id.first)) leftovers.push_back(id);
    }
    for (const auto& [projection, generation] : leftovers) drop(projection, generation);
    return std::nullopt;
  }

  std::string path_;
  std::atomic<std::uint64_t> next_file_{0};  // of bulk loads
  std::size_t large_write_ = 0;
  std::unique_ptr<rocksdb::Env> env_;
  rocksdb::Options options_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;
  mutable std::shared_mutex mutex_;
  std::map<view_keys::TableId, Table> tables_;
  std::map<std::string, std::uint64_t> serving_, highest_;
  std::vector<std::weak_ptr<rocksdb::ColumnFamilyHandle>> dropped_;  // and perhaps still read
  std::mutex purging_;
  std::optional<Periodic> merging_;
};

}  // namespace

Result<void, ReadError> discard_view_store(DataDirectory& directory) {
  const auto path = directory.views();
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return ReadError{fmt::format("cannot remove {}: {}", path.string(), error.message())};
  return {};
}

Result<OpenedViews, ReadError> open_view_store(DataDirectory& directory, ViewOptions options) {
  const auto path = directory.views();
  const auto is_in_place = [&directory] { return directory.is_in_place(); };
  OpenedViews opened;
  auto store = Store::open(path.string(), options, is_in_place);
  if (!store && !store.error().may_pass && !options.keep_damaged) {
    opened.discarded = store.error().why;
    if (auto removed = discard_view_store(directory); !removed) return removed.error();
    store = Store::open(path.string(), options, is_in_place);
  }
  if (!store) {
    return ReadError{fmt::format("the read models cannot be opened: {} (without {} they are built anew from the log)",
                                 store.error().why, path.string())};
  }
  opened.store = std::move(*store);
  return opened;
}

}  // namespace taskledger::storage
