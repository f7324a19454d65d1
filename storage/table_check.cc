#include "storage/table_check.h"

#include <rocksdb/sst_file_reader.h>

namespace taskledger::storage {

rocksdb::Status check_table(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const std::string& path) {
  rocksdb::SstFileReader reader(db.GetOptions(family));
  const auto opened = reader.Open(path);
  return opened.ok() ? reader.VerifyChecksum() : opened;
}

}  // namespace taskledger::storage
