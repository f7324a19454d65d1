// CRC-32C (Castagnoli), as RocksDB's write-ahead log uses it. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace taskledger::storage {

[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);

}  // namespace taskledger::storage
