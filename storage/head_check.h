// Whether a log holds what was acknowledged: asked before RocksDB opens it for writing, which removes the files that
// the MANIFEST does not name, so that a fault that may pass (the end of a file read wrong, or not copied yet) would
// become a loss. Nothing is written here, and nobody else may write meanwhile.
//
// What RocksDB would make of tables and WALs is worked out from both: the head of the tables, then the records of the
// WALs, each of which must follow on. A bulk append has its head in a WAL, its records in tables.
#pragma once

#include <optional>
#include <string>

#include "storage/head_mark.h"

namespace rocksdb {
class Env;
}

namespace taskledger::storage {

// ReadError: the log ends before the mark, or before what a record behind a hole in a WAL says was synced, differs from
// the mark there, or lacks the record at its head or before the first one of a WAL. Returns where the tail of a WAL is
// torn, which is confirmed to be after all that; nullopt: nowhere.
[[nodiscard]] Result<std::optional<std::string>, ReadError> check_head(const std::string& log,
                                                                       const std::optional<HeadMark>& mark,
                                                                       rocksdb::Env& env);

}  // namespace taskledger::storage
