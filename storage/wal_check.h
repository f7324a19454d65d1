// Looks through RocksDB's write-ahead logs before they are opened, to tell a torn tail (the last write never got to the
// disk whole: it was not acknowledged, so it is dropped) from damage in the middle (refused, naming file and offset).
// RocksDB alone refuses both alike when the torn write's checksum is wrong, and does not name the file.
// Zeros at the end are what the writer had yet to write over. The framing, and what may follow a torn record:
// wal_format.h. Damage that records follow is a torn tail too, unless it lies before the head mark or before what they
// say was synced.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "storage/event_log.h"

namespace rocksdb {
class Env;
class WriteBatch;
}  // namespace rocksdb

namespace taskledger::storage {

enum class WalTail {
  keep,  // a reader beside the writer, or verify: a torn tail is no error and left alone, if RocksDB can read past it
  find,  // likewise, whatever it is made of: for one who will have it dropped
  drop_torn,  // the file is cut to its last whole record
};

// Takes one whole record, which is a write batch of RocksDB.
using WalVisitor = std::function<Result<void, ReadError>(std::string_view record)>;

// Says in an empty batch up to where the log has been synced before it; 0: not known.
void note_synced(rocksdb::WriteBatch& batch, Position before);

struct TornWal {
  std::string where;  // for the operator
  Position synced;    // up to which the log had been synced, as what comes after the hole says; 0: says nothing
};

// All `*.log` files in `directory` (no such directory: fine); `mark`: the head mark's position; `visit` gets their
// whole records, in order. Returns where a tail is torn; nullopt: none is.
Result<std::optional<TornWal>, ReadError> check_wal(const std::string& directory, WalTail tail, Position mark,
                                                    rocksdb::Env* env, const WalVisitor& visit = {});

}  // namespace taskledger::storage
