// Looks through RocksDB's write-ahead logs before they are opened, to tell a torn tail (the last write never got to the
// disk whole: it was not acknowledged, so it is dropped) from damage in the middle (refused, naming file and offset).
// RocksDB alone refuses both alike when the torn write's checksum is wrong, and does not name the file.
//
//   file    = block*                                  blocks of 32 KiB; a fragment never crosses a block's end
//   block   = fragment* zero{0..6}
//   fragment = crc32c:u32le (masked) size:u16le type:u8 (1 full, 2 first, 3 middle, 4 last) bytes
//
// Every synced write is one logical record, so what comes after a torn one can only be more fragments of itself: a full
// or first fragment after the damage means that something acknowledged followed it. But for writes that are not synced
// (`--durability os`): of those a power cut leaves whichever pages it likes. They say so in their first bytes, where a
// batch holds what is for the log alone:
//
//   record  = sequence:u64le count:u32le [3 size:u8 "unsynced"] …
//
// Damage that only such records follow is a torn tail too, unless it lies before the head mark, up to which all was
// synced.
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

// Says so in an empty batch that will be written without a sync, in a log whose acknowledgements wait for none.
void note_unsynced(rocksdb::WriteBatch& batch);

// All `*.log` files in `directory` (no such directory: fine); `mark`: the head mark's position; `visit` gets their
// whole records, in order. Returns where a tail is torn, for the operator; nullopt: none is.
Result<std::optional<std::string>, ReadError> check_wal(const std::string& directory, WalTail tail, Position mark,
                                                        rocksdb::Env* env, const WalVisitor& visit = {});

}  // namespace taskledger::storage
