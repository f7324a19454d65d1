// Figures of one RocksDB. Inside `storage` only.
#pragma once

#include <rocksdb/db.h>

#include "storage/figures.h"

namespace taskledger::storage {

[[nodiscard]] StoreFigures store_figures(rocksdb::DB& db, const std::vector<rocksdb::ColumnFamilyHandle*>& tables);

}  // namespace taskledger::storage
