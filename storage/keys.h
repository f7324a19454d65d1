// The keys and small values of the log's tables (column families). Integers are big-endian.
//
//   events       position:u64                                 → record (record_format.h)
//   streams      workspace:u32 stream:16 version:u32          → position:u64
//   workspaces   workspace:u32 in_workspace:u64               → position:u64
//   blocks       workspace:u32 block:u64                      → feed block (feed_block.h)
//   heads        'G'                                          → position:u64 hash:32 time_ms:i64
//                'W' workspace:u32                            → in_workspace:u64 hash:32 time_ms:i64 position:u64
//                'E' first:u64 last:u64                       → ""   payloads erased there, files not yet purged
//   idempotency  'K' key                                      → expires_ms:i64 value
//                'X' expires_ms:u64 key                       → ""   the same in order of expiry
//   reactors     whatever the reactors keep (reactor_store.h)
//
// `heads` is written with every batch. Whatever the other tables hold past the head of `heads` is not there: leftovers
// of an interrupted bulk append, removed when the log is opened.
#pragma once

#include <string>
#include <string_view>

#include "storage/bytes.h"
#include "storage/event_log.h"
#include "storage/sha256.h"

namespace taskledger::storage::keys {

inline std::string event(Position position) {
  std::string key;
  put_int(key, position.value);
  return key;
}
inline std::string stream_prefix(WorkspaceNumber workspace, const Uuid& stream) {
  std::string key;
  put_int(key, workspace.value);
  key += as_bytes(stream);
  return key;
}
inline std::string stream(WorkspaceNumber workspace, const Uuid& id, Version version) {
  std::string key = stream_prefix(workspace, id);
  put_int(key, version.value);
  return key;
}
inline constexpr std::size_t kStreamKeyBytes = 24, kStreamPrefixBytes = 20;
// Of `workspaces` and of `blocks`.
inline std::string in_workspace(WorkspaceNumber workspace, std::uint64_t number) {
  std::string key;
  put_int(key, workspace.value);
  put_int(key, number);
  return key;
}
inline constexpr std::string_view kGlobalHead = "G";
inline std::string workspace_head(WorkspaceNumber workspace) {
  std::string key = "W";
  put_int(key, workspace.value);
  return key;
}
inline std::string erasure(Position first, Position last) {
  std::string key = "E";
  put_int(key, first.value);
  put_int(key, last.value);
  return key;
}
inline std::string idempotency(std::string_view key) { return "K" + std::string(key); }
inline std::string expiry(Timestamp expires, std::string_view key) {
  std::string out = "X";
  put_int(out, static_cast<std::uint64_t>(expires.ms));
  out += key;
  return out;
}

}  // namespace taskledger::storage::keys
