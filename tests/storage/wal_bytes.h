// Bytes of write-ahead logs made by hand, for tests of who reads and writes their files.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/crc32c.h"
#include "storage/wal_format.h"

namespace taskledger::storage {

inline std::string fragment(wal::Type type, std::string_view payload) {
  const std::string covered = std::string(1, static_cast<char>(type)) + std::string(payload);
  const std::uint32_t crc = crc32c(covered), masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(masked >> (8 * i));
  bytes += static_cast<char>(payload.size());
  bytes += static_cast<char>(payload.size() >> 8);
  return bytes + covered;
}

// Adds a record to what is in `file`, as RocksDB does.
inline void add_record(std::string& file, std::string_view record) {
  bool begun = false;
  do {
    std::size_t left = wal::kBlock - file.size() % wal::kBlock;
    if (left < wal::kHeader) file.append(left, '\0'), left = wal::kBlock;
    const auto part = record.substr(0, std::min(record.size(), left - wal::kHeader));
    record.remove_prefix(part.size());
    file += fragment(record.empty() ? begun ? wal::last : wal::full : begun ? wal::middle : wal::first, part);
    begun = true;
  } while (!record.empty());
}

}  // namespace taskledger::storage
