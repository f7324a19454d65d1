#include "storage/store_figures.h"

#include <rocksdb/transaction_log.h>

namespace taskledger::storage {

StoreFigures store_figures(rocksdb::DB& db, const std::vector<rocksdb::ColumnFamilyHandle*>& tables) {
  using Properties = rocksdb::DB::Properties;
  StoreFigures figures;
  auto sum = [&](const std::string& property) {
    std::uint64_t total = 0;
    for (auto* table : tables) {
      std::uint64_t value = 0;
      if (db.GetIntProperty(table, property, &value)) total += value;
    }
    return total;
  };
  auto first = [&](const std::string& property) {
    std::uint64_t value = 0;
    if (!tables.empty()) db.GetIntProperty(tables.front(), property, &value);
    return value;
  };
  figures.table_bytes = sum(Properties::kLiveSstFilesSize);
  figures.memtable_bytes = sum(Properties::kCurSizeAllMemTables);
  figures.table_readers_bytes = sum(Properties::kEstimateTableReadersMem);
  figures.pending_compaction_bytes = sum(Properties::kEstimatePendingCompactionBytes);
  figures.cache_bytes = first(Properties::kBlockCacheUsage);
  figures.write_stalled = first(Properties::kIsWriteStopped) != 0 || first(Properties::kActualDelayedWriteRate) != 0;
  figures.background_errors = first(Properties::kBackgroundErrors);
  std::vector<rocksdb::LiveFileMetaData> files;
  db.GetLiveFilesMetaData(&files);
  figures.files = files.size();
  rocksdb::VectorLogPtr wals;
  if (db.GetSortedWalFiles(wals).ok()) {
    for (const auto& wal : wals) figures.wal_bytes += wal->SizeFileBytes();
  }
  return figures;
}

}  // namespace taskledger::storage
