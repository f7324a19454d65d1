#include "storage/small_tables.h"

#include <rocksdb/metadata.h>

#include <string>
#include <vector>

#include "storage/table_check.h"

namespace taskledger::storage {
namespace {

constexpr std::uint64_t kSmall = std::uint64_t{8} << 20, kMerged = std::uint64_t{64} << 20;  // bytes

void merge_in_level(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const rocksdb::LevelMetaData& level,
                    std::size_t many) {
  std::vector<const rocksdb::SstFileMetaData*> run;
  std::uint64_t bytes = 0;
  const auto merge = [&](std::span<const rocksdb::SstFileMetaData* const> files) {
    if (files.size() < many) return;
    std::vector<std::string> names;
    for (const auto* file : files) names.push_back(file->name);
    rocksdb::CompactionOptions options;
    options.compression = rocksdb::kDisableCompressionOption;  // as the family has it
    options.output_file_size_limit = kMerged;
    static_cast<void>(db.CompactFiles(options, family, names, level.level));
  };
  const auto end_run = [&] {
    if (run.size() >= many) {
      std::size_t from = 0;
      for (std::size_t i = 0; i < run.size(); ++i) {
        if (check_table(db, family, run[i]->db_path + run[i]->name).ok()) continue;
        merge(std::span(run).subspan(from, i - from));
        from = i + 1;
      }
      merge(std::span(run).subspan(from));
    }
    run.clear();
    bytes = 0;
  };
  for (const auto& file : level.files) {  // in the order of their keys
    if (file.size >= kSmall || file.being_compacted || bytes + file.size > kMerged) end_run();
    if (file.size >= kSmall || file.being_compacted) continue;
    run.push_back(&file);
    bytes += file.size;
  }
  end_run();
}

}  // namespace

void merge_small_tables(rocksdb::DB& db, std::span<rocksdb::ColumnFamilyHandle* const> families, std::size_t many) {
  for (auto* family : families) {
    rocksdb::ColumnFamilyMetaData tables;
    db.GetColumnFamilyMetaData(family, &tables);
    for (const auto& level : tables.levels) {
      // Those of the first level overlap, and are taken care of.
      if (level.level > 0) merge_in_level(db, family, level, many);
    }
  }
}

}  // namespace taskledger::storage
