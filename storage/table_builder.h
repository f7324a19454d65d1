// Sorted tables of a database built outside of it and then taken in as they are: for bulk appends and large writes of
// rows, which would otherwise pay for memtables and for compacting everything several times. Inside `storage` only.
//
// Files live in DATABASE/bulk/ until ingest() moves them; leftovers there (of a crash) are removed by clear().
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
  // What is merged with others soon is not worth compressing.
  enum class Life { lasting, short_lived };
  // `table` is one of the database's; `name` starts the names of its files.
  TableBuilder(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* table, std::string name, Life life = Life::lasting);
  // Keys must come in ascending order.
  Result<void, ReadError> add(const rocksdb::Slice& key, const rocksdb::Slice& value);
  // That there is no row of this key any more.
  Result<void, ReadError> remove(const rocksdb::Slice& key);
  // Ends the file under way, synced.
  Result<void, ReadError> finish();
  // For rocksdb::DB::IngestExternalFiles; nullptr: nothing was added.
  [[nodiscard]] const rocksdb::IngestExternalFileArg* files() const {
    return argument_.external_files.empty() ? nullptr : &argument_;
  }

  static void clear(rocksdb::DB& db);

 private:
  Result<void, ReadError> begin();
  Result<void, ReadError> added(const rocksdb::Status& status);
  rocksdb::DB& db_;
  std::string name_;
  rocksdb::Options options_;
  std::unique_ptr<rocksdb::SstFileWriter> file_;
  rocksdb::IngestExternalFileArg argument_;
};

// Moves the files of all builders into the database, all or none, for good once it returns. What is there already under
// the same keys is replaced; rows of it that are in memtables are flushed first.
Result<void, ReadError> ingest(rocksdb::DB& db, std::span<TableBuilder* const> builders);

}  // namespace taskledger::storage
