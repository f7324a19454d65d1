#include "storage/table_builder.h"

namespace taskledger::storage {
namespace {

constexpr std::uint64_t kFileBytes = std::uint64_t{64} << 20;

std::string folder(const rocksdb::DB& db) { return db.GetName() + "/bulk"; }

}  // namespace

TableBuilder::TableBuilder(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* table, std::string name, Life life)
    : db_(db), name_(std::move(name)), options_(db.GetOptions(table)) {
  if (life == Life::short_lived) options_.compression = rocksdb::kNoCompression;
  argument_.column_family = table;
  argument_.options.move_files = true;
  argument_.options.write_global_seqno = false;
  argument_.options.failed_move_fall_back_to_copy = true;
}

Result<void, ReadError> TableBuilder::begin() {
  if (const auto made = options_.env->CreateDirIfMissing(folder(db_)); !made.ok()) return read_error(made);
  const auto path = folder(db_) + "/" + name_ + "-" + std::to_string(argument_.external_files.size()) + ".sst";
  file_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(options_), options_, argument_.column_family);
  if (const auto opened = file_->Open(path); !opened.ok()) return read_error(opened);
  argument_.external_files.push_back(path);
  return {};
}

Result<void, ReadError> TableBuilder::added(const rocksdb::Status& status) {
  if (!status.ok()) return read_error(status);
  // FileSize() lags behind by what is buffered: near enough.
  if (file_->FileSize() >= kFileBytes) return finish();
  return {};
}

Result<void, ReadError> TableBuilder::add(const rocksdb::Slice& key, const rocksdb::Slice& value) {
  if (!file_) {
    if (auto begun = begin(); !begun) return begun;
  }
  return added(file_->Put(key, value));
}

Result<void, ReadError> TableBuilder::remove(const rocksdb::Slice& key) {
  if (!file_) {
    if (auto begun = begin(); !begun) return begun;
  }
  return added(file_->Delete(key));
}

Result<void, ReadError> TableBuilder::finish() {
  if (!file_) return {};
  const auto finished = file_->Finish();
  file_.reset();
  if (!finished.ok()) return read_error(finished);
  return {};
}

void TableBuilder::clear(rocksdb::DB& db) {
  auto* env = db.GetEnv();
  std::vector<std::string> names;
  if (!env->GetChildren(folder(db), &names).ok()) return;
  for (const auto& name : names) {
    if (name != "." && name != "..") (void)env->DeleteFile(folder(db) + "/" + name);
  }
  (void)env->DeleteDir(folder(db));
}

Result<void, ReadError> ingest(rocksdb::DB& db, std::span<TableBuilder* const> builders) {
  std::vector<rocksdb::IngestExternalFileArg> all;
  for (const auto* builder : builders) {
    if (const auto* files = builder->files()) all.push_back(*files);
  }
  if (all.empty()) return {};
  if (const auto taken = db.IngestExternalFiles(all); !taken.ok()) return read_error(taken);
  return {};
}

}  // namespace taskledger::storage
