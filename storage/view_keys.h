// The keys of the view store's own rows, and the names of its tables (rocks_view_store.h has the list).
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "storage/bytes.h"

namespace taskledger::storage::view_keys {

inline constexpr std::string_view kFormat = "F", kFormatName = "taskledger views 2";

[[nodiscard]] inline std::string serving(std::string_view projection) { return "S" + std::string(projection); }
[[nodiscard]] inline std::string checkpoint(std::string_view projection, std::uint64_t generation) {
  std::string key = "C" + std::string(projection) + '\0';
  put_int(key, generation);
  return key;
}
[[nodiscard]] inline std::string erased(std::string_view projection, std::uint64_t generation, std::string_view key) {
  return "E" + checkpoint(projection, generation).substr(1) + std::string(key);
}
[[nodiscard]] inline std::string family(std::string_view projection, std::uint64_t generation) {
  return fmt::format("{}.{}", projection, generation);
}

using TableId = std::pair<std::string, std::uint64_t>;  // projection, generation
[[nodiscard]] inline std::optional<TableId> parse_family(const std::string& name) {
  const auto dot = name.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  std::uint64_t generation = 0;
  const auto parsed = std::from_chars(name.data() + dot + 1, name.data() + name.size(), generation);
  if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) return std::nullopt;
  return TableId{name.substr(0, dot), generation};
}

}  // namespace taskledger::storage::view_keys
