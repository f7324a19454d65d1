#include "storage/wal_format.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "storage/bytes.h"
#include "storage/crc32c.h"

namespace taskledger::storage::wal {
namespace {

constexpr std::size_t kStride = 256;  // zeros that are stepped over at once

std::uint32_t little_endian32(const char* bytes) {
  std::uint32_t value;
  std::memcpy(&value, bytes, 4);  // x86-64 and arm64: little-endian, as the file
  return value;
}

// Where the next fragment is after one that ends at `at`.
std::size_t next_place(std::size_t at) { return kBlock - at % kBlock < kHeader ? (at / kBlock + 1) * kBlock : at; }

// The position, or 0, that a whole record notes which begins with the fragment at `at`; nullopt: it has no note.
std::optional<std::uint64_t> note_of(std::string_view file, std::size_t at, const Fragment& fragment) {
  constexpr std::size_t kBatchHeader = 12;
  std::string start(file.substr(at + kHeader, fragment.size - kHeader));
  if (fragment.type == first) {  // up to the end of its block: it may be short
    const std::size_t place = next_place(at + fragment.size);
    if (const auto next = fragment_at(file, place)) start += file.substr(place + kHeader, next->size - kHeader);
  }
  if (start.size() < kBatchHeader + 2 + kNote.size() || start[kBatchHeader] != '\x03') return std::nullopt;
  const auto size = static_cast<std::uint8_t>(start[kBatchHeader + 1]);
  const auto note = std::string_view(start).substr(kBatchHeader + 2).substr(0, size);
  if (!note.starts_with(kNote)) return std::nullopt;
  return note.size() < kNote.size() + sizeof(std::uint64_t) ? 0 : get_int<std::uint64_t>(note.data() + kNote.size());
}

}  // namespace

std::optional<Fragment> fragment_at(std::string_view file, std::size_t at) {
  const std::size_t block_end = std::min(file.size(), (at / kBlock + 1) * kBlock);
  if (at + kHeader > block_end) return std::nullopt;
  const char* header = file.data() + at;
  const std::size_t size =
      static_cast<std::uint8_t>(header[4]) | static_cast<std::size_t>(static_cast<std::uint8_t>(header[5])) << 8;
  const auto type = static_cast<std::uint8_t>(header[6]);
  if (type == zero || type > max_type || at + kHeader + size > block_end) return std::nullopt;
  const std::uint32_t masked = little_endian32(header) - 0xa282ead8u;
  const std::uint32_t stored = (masked >> 17) | (masked << 15);
  if (crc32c(file.substr(at + 6, 1 + size)) != stored) return std::nullopt;
  return Fragment{type, kHeader + size};
}

bool only_zeros(std::string_view rest) {
  return rest.empty() || (rest[0] == 0 && std::memcmp(rest.data(), rest.data() + 1, rest.size() - 1) == 0);
}

Behind records_from(std::string_view file, std::size_t from) {
  Behind found;
  struct Start {
    std::size_t at;
    Fragment fragment;
  };
  std::optional<Start> record;  // that the fragments since belong to, without a gap
  const auto add = [&](const Start& whole) {
    const auto note = note_of(file, whole.at, whole.fragment);
    found.any = true;
    found.all_synced = found.all_synced || !note;
    found.told = std::max(found.told, note.value_or(0));
  };
  for (std::size_t at = from; at < file.size();) {
    const auto fragment = fragment_at(file, at);
    if (!fragment) {
      record.reset();
      const std::size_t block_end = std::min(file.size(), (at / kBlock + 1) * kBlock);
      at = only_zeros(file.substr(at, std::min(block_end, at + kStride) - at)) ? std::min(block_end, at + kStride)
                                                                               : at + 1;
      continue;
    }
    if (starts_record(*fragment)) record = Start{at, *fragment};
    if (record && (fragment->type == full || fragment->type == last)) {
      add(*record);
      record.reset();
    }
    at = next_place(at + fragment->size);
  }
  return found;
}

}  // namespace taskledger::storage::wal
