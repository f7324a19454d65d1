// What RocksDB says of its own doings: the file LOG in a database's directory. RocksDB's own writer of it ends the
// process once a write has failed, as on a full disk; this one goes without.
// Threads: any.
#pragma once

#include <rocksdb/env.h>

#include <memory>
#include <string>

namespace taskledger::storage {

// Into `directory`; the LOG of before becomes LOG.old, likewise when it is large.
[[nodiscard]] std::shared_ptr<rocksdb::Logger> make_info_log(const std::string& directory, rocksdb::Env& env);
// For databases that are only read: nothing is written.
[[nodiscard]] std::shared_ptr<rocksdb::Logger> make_no_info_log();

}  // namespace taskledger::storage
