#include "storage/obsolete_files.h"

#include <rocksdb/metadata.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "storage/files.h"
#include "storage/log_tables.h"

namespace taskledger::storage {
namespace {

constexpr std::chrono::milliseconds kFirstLook{2}, kBetweenLooks{200};

bool is_log(const std::string& name) { return name.ends_with(".log"); }

// WALs that a crash would be recovered from.
bool is_needed(rocksdb::DB& db, const std::string& log) {
  std::uint64_t from = 0;
  const auto name = log.substr(log.rfind('/') + 1);
  return !db.GetIntProperty(rocksdb::DB::Properties::kMinLogNumberToKeep, &from) || std::stoull(name) >= from;
}

std::vector<std::string> numbered_files(rocksdb::DB& db, std::string_view ending) {
  std::vector<std::string> names, paths;
  db.GetEnv()->GetChildren(db.GetName(), &names);
  for (const auto& name : names) {
    if (is_numbered(name, ending)) paths.push_back(db.GetName() + "/" + name);
  }
  return paths;
}

std::set<std::string> live_tables(rocksdb::DB& db) {
  std::vector<rocksdb::LiveFileMetaData> files;
  db.GetLiveFilesMetaData(&files);
  std::set<std::string> paths;
  for (const auto& file : files) paths.insert(file.db_path + file.name);
  return paths;
}

}  // namespace

rocksdb::Status rewrite_tables(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const rocksdb::Slice& first,
                               const rocksdb::Slice& last, std::vector<std::string>& files) {
  rocksdb::ColumnFamilyMetaData tables;
  db.GetColumnFamilyMetaData(family, &tables);
  for (const auto& level : tables.levels) {
    for (const auto& file : level.files) {
      if (rocksdb::Slice(file.smallestkey).compare(last) <= 0 && rocksdb::Slice(file.largestkey).compare(first) >= 0)
        files.push_back(file.db_path + file.name);
    }
  }
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  options.exclusive_manual_compaction = false;
  return db.CompactRange(options, family, &first, &last);
}

std::vector<std::string> write_ahead_logs(rocksdb::DB& db) { return numbered_files(db, ".log"); }

Result<void, ReadError> wait_until_removed(rocksdb::DB& db, const std::vector<std::string>& files,
                                           const std::atomic<bool>& give_up) {
  std::vector<std::string> waited = numbered_files(db, ".sst");
  waited.insert(waited.end(), files.begin(), files.end());
  for (auto pause = kFirstLook;; pause = std::min(2 * pause, kBetweenLooks)) {
    // Enabling deletions removes obsolete files now, not at some later time in the background.
    auto status = db.DisableFileDeletions();
    if (status.ok()) status = db.EnableFileDeletions(/*force=*/false);
    if (!status.ok()) return read_error(status);
    const auto live = live_tables(db);  // those being written are to become so
    std::erase_if(waited, [&](const std::string& file) {
      const bool stays = is_log(file) ? is_needed(db, file) : live.contains(file);
      return stays || db.GetEnv()->FileExists(file).IsNotFound();
    });
    if (waited.empty()) return {};
    if (give_up) return ReadError{waited.front() + " is still in use"};
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace taskledger::storage
