#include "storage/row_changes.h"

#include <algorithm>
#include <numeric>

namespace taskledger::storage {

namespace {

// Of all keys, in bytes.
std::size_t common_prefix(const RowChanges& changes) {
  if (changes.empty()) return 0;
  const std::string_view first = changes.key(0);
  std::size_t alike = first.size();
  for (std::size_t i = 1; i < changes.size(); ++i) {
    const std::string_view key = changes.key(i);
    const std::size_t limit = std::min(alike, key.size());
    std::size_t same = 0;
    while (same < limit && key[same] == first[same]) ++same;
    alike = same;
  }
  return alike;
}
// Eight bytes from `at` on, zeros after the end: orders as the bytes do, or not at all.
std::uint64_t big_endian_word(std::string_view key, std::size_t at) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    word = word << 8 | (at + i < key.size() ? static_cast<std::uint8_t>(key[at + i]) : 0);
  }
  return word;
}

}  // namespace

std::vector<std::uint32_t> RowChanges::in_order() const {
  const auto count = static_cast<std::uint32_t>(size());
  std::uint32_t ascending = std::min(count, 1u);  // as many as are in order already: often all
  while (ascending < count && key(ascending - 1) < key(ascending)) ++ascending;
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0u);
  if (ascending == count) return rows;
  // Keys begin alike (with their workspace); the bytes after that decide almost always, and lie here side by side.
  struct Placed {
    std::uint64_t word;
    std::uint32_t row;
  };
  std::vector<Placed> placed;
  placed.reserve(count);
  const std::size_t alike = common_prefix(*this);
  for (std::uint32_t i = 0; i < count; ++i) placed.push_back({big_endian_word(key(i), alike), i});
  std::sort(placed.begin(), placed.end(), [&](const Placed& a, const Placed& b) {
    if (a.word != b.word) return a.word < b.word;
    const int order = key(a.row).compare(key(b.row));
    return order != 0 ? order < 0 : a.row < b.row;
  });
  rows.clear();
  for (const Placed& one : placed) {
    if (!rows.empty() && key(rows.back()) == key(one.row)) rows.pop_back();
    rows.push_back(one.row);
  }
  return rows;
}

}  // namespace taskledger::storage
