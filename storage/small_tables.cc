#include "storage/small_tables.h"

#include <rocksdb/metadata.h>

#include <string>
#include <vector>

namespace taskledger::storage {
namespace {

constexpr std::uint64_t kSmall = std::uint64_t{8} << 20, kMerged = std::uint64_t{64} << 20;  // bytes

void merge_in_level(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const rocksdb::LevelMetaData& level,
                    std::size_t many) {
  std::vector<std::string> run;
  std::uint64_t bytes = 0;
  const auto end_run = [&] {
    if (run.size() >= many) {
      rocksdb::CompactionOptions options;
      options.compression = rocksdb::kDisableCompressionOption;  // as the family has it
      options.output_file_size_limit = kMerged;
      static_cast<void>(db.CompactFiles(options, family, run, level.level));
    }
    run.clear();
    bytes = 0;
  };
  for (const auto& file : level.files) {  // in the order of their keys
    if (file.size >= kSmall || file.being_compacted || bytes + file.size > kMerged) end_run();
    if (file.size >= kSmall || file.being_compacted) continue;
    run.push_back(file.name);
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
