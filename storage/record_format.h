// How one record stands in the log, and the two hash chains it belongs to. Integers are big-endian.
//
//   record  = format:u8 (1)  state:u8  prev_log_hash:32  header  body
//   state   = 0 whole | 1 erased
//   header  = prev_workspace_hash:32  flags:u8  type:u8  workspace:u32  in_workspace:u64
//             stream:16  version:u32  time_ms:i64  actor:16  [event_id:16]  [trace_size:u16 trace]
//   flags   = 1 imported | 2 has event_id | 4 has trace
//   body    = nonce:16 payload       (whole; the payload is JSON text)
//           | digest:32              (erased)
//
//   digest         = SHA256(nonce payload)
//   workspace_hash = SHA256("TLW1" header digest)                       the workspace's chain after the record
//   log_hash       = SHA256("TLL1" position:u64 workspace_hash prev_log_hash)   the log's chain after it
//
// The digest is salted, so that it does not give an erased payload away to guessing; erasing replaces the body and
// changes neither hash. The format byte and the state are outside the chains: a later format may store the same record
// in another way.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "storage/event_log.h"

namespace taskledger::storage {

inline constexpr std::uint8_t kRecordFormat = 1;
inline constexpr std::size_t kMaxTraceBytes = 512;  // longer ones are cut off by the appender

inline constexpr std::string_view kWorkspaceHashTag = "TLW1", kLogHashTag = "TLL1";

using Nonce = std::array<std::uint8_t, 16>;

// The chains' hashes, before or after a record.
struct ChainHashes {
  Hash log{};
  Hash workspace{};
  friend bool operator==(const ChainHashes&, const ChainHashes&) = default;
};

// Appends the stored form of `record` (whole) and returns the hashes after it.
ChainHashes encode_record(std::string& out, const Record& record, const ChainHashes& before, const Nonce& nonce);

struct DecodedRecord {
  Record record;            // views into the bytes
  std::string_view header;  // the bytes that the chains cover
  std::string_view body;
  std::string_view previous_log, previous_workspace;  // 32 bytes each
};
// nullopt when the bytes are no record of this format.
[[nodiscard]] std::optional<DecodedRecord> decode_record(Position position, std::string_view bytes);
// Of a record whose payload is there or erased: recomputed from what is stored.
[[nodiscard]] ChainHashes hashes_after(const DecodedRecord& decoded);
[[nodiscard]] Hash hash_of(std::string_view bytes32);

// The stored form of the same record with its payload replaced by the digest; of an erased one unchanged.
[[nodiscard]] std::string erase_payload(const DecodedRecord& decoded);

}  // namespace taskledger::storage
