// The framing of RocksDB's write-ahead logs, and what a file of them ends with.
//
//   file    = block* zero*                            blocks of 32 KiB; a fragment never crosses a block's end; the
//                                                     writer fills zeros in ahead (zero_filled_wal.h)
//   block   = fragment* zero{0..6}
//   fragment = crc32c:u32le (masked) size:u16le type:u8 (1 full, 2 first, 3 middle, 4 last) bytes
//
// A record is one write batch, in a full fragment or in a first, some middle and a last one. Every synced write is one
// record, so what comes after a torn one can only be more fragments of itself. But for writes that are not synced (the
// reactors' rows, and all of them with `--durability os`): of those a power cut leaves whichever pages it likes. They
// say so in their first bytes, where a batch holds what is for the log alone:
//
//   record  = sequence:u64le count:u32le [3 size:u8 "unsynced" [position:u64]] …
//
// `position`: up to which the log had been synced before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace taskledger::storage::wal {

constexpr std::size_t kBlock = 32768, kHeader = 7;
constexpr std::string_view kUnsynced = "unsynced";
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

// What records begin after some damage.
struct Behind {
  bool any = false;
  bool synced = false;     // one of them was written with a sync
  std::uint64_t told = 0;  // the highest position of those that were not
};

// In the block of `damage` at any offset, later at fragments' places.
[[nodiscard]] Behind behind(std::string_view file, std::size_t damage);

}  // namespace taskledger::storage::wal
