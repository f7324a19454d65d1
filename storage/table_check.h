// Whether the blocks of a table file have the bytes that their checksums say. Reads all of it. Threads: any.
#pragma once

#include <rocksdb/db.h>

#include <string>

namespace taskledger::storage {

[[nodiscard]] rocksdb::Status check_table(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family,
                                          const std::string& path);

}  // namespace taskledger::storage
