// Sorted tables of the log built outside of it and then taken in as they are: for bulk appends, which would otherwise
// pay for memtables and for compacting everything several times. Inside `storage` only.
//
// Files live in LOG/bulk/ until ingest() moves them; leftovers there (of a crash) are removed by clear().
// Threads: one at a time. Failure: a ReadError; the builder is of no use after it.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>

#include <memory>
#include <string>
#include <vector>

#include "storage/log_tables.h"

namespace taskledger::storage {

class TableBuilder {
 public:
  // `table` is one of the database's; `name` starts the names of its files.
  TableBuilder(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* table, std::string name);
  // Keys must come in ascending order.
  Result<void, ReadError> add(const rocksdb::Slice& key, const rocksdb::Slice& value);
  // Ends the file under way, synced.
  Result<void, ReadError> finish();
  // For rocksdb::DB::IngestExternalFiles; nullptr: nothing was added.
  [[nodiscard]] const rocksdb::IngestExternalFileArg* files() const {
    return argument_.external_files.empty() ? nullptr : &argument_;
  }

  static void clear(rocksdb::DB& db);

 private:
  Result<void, ReadError> begin();
  rocksdb::DB& db_;
  std::string name_;
  rocksdb::Options options_;
  std::unique_ptr<rocksdb::SstFileWriter> file_;
  rocksdb::IngestExternalFileArg argument_;
};

// Moves the files of all builders into the log, all or none. They hold nothing that is there already.
Result<void, ReadError> ingest(rocksdb::DB& db, std::span<TableBuilder* const> builders);

}  // namespace taskledger::storage
