// The framing of RocksDB's write-ahead logs, and what a file of them ends with.
//
//   file    = block* zero*                            blocks of 32 KiB; a fragment never crosses a block's end; the
//                                                     writer fills zeros in ahead (wal_writer.h)
//   block   = fragment* zero{0..6}
//   fragment = crc32c:u32le (masked) size:u16le type:u8 (1 full, 2 first, 3 middle, 4 last) bytes
//
// A record is one write batch, in a full fragment or in a first, some middle and a last one. A power cut leaves of what
// was not synced whichever pages it likes, so that whole records may follow a hole: the reactors' rows, which nobody
// syncs one by one, then a commit whose sync had not ended, and with `--durability os` all of them. Each record says in
// its first bytes, where a batch holds what is for the log alone, up to where the log had been synced before it:
//
//   record  = sequence:u64le count:u32le [3 size:u8 "unsynced" [position:u64]] …
//
// No position: nothing is known. A record without a note (of earlier versions, or written where no hole can be before
// it) was preceded by nothing that was not synced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace taskledger::storage::wal {

constexpr std::size_t kBlock = 32768, kHeader = 7;
constexpr std::string_view kNote = "unsynced";
enum Type : std::uint8_t { zero = 0, full = 1, first = 2, middle = 3, last = 4, max_type = 9 };

struct Fragment {
  std::uint8_t type;
  std::size_t size;  // with its header
};

// `file` begins where a block does, here and below.
// A whole fragment with a right checksum at `at`.
[[nodiscard]] std::optional<Fragment> fragment_at(std::string_view file, std::size_t at);

[[nodiscard]] inline bool starts_record(const Fragment& fragment) {
  return fragment.type == full || fragment.type == first;
}

// Whether nothing but zeros is left: what is yet to be written over. True too where nothing at all is left.
[[nodiscard]] bool only_zeros(std::string_view rest);

// What whole records there are behind some damage.
struct Behind {
  bool any = false;
  bool all_synced = false;  // one of them has no note: all before it was synced
  std::uint64_t told = 0;   // the highest position that one of the others notes
};

// In `file` from `from` on: at any offset until a fragment is found, then where the next one must be.
[[nodiscard]] Behind records_from(std::string_view file, std::size_t from);

}  // namespace taskledger::storage::wal
