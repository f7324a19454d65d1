// Filters over columns: conditions made ready for one image, and evaluated on 256 rows at a time into bits, each only
// on the rows that still matter (of an AND those that passed so far, of an OR those that did not).
// Threads: tests are made by one, under the image's shared lock, and used by several.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/query.h"
#include "projections/image/image.h"
#include "projections/list/text_scan.h"

namespace taskledger::projections {

using Bits = std::vector<std::uint64_t>;       // a bit a row
inline constexpr std::size_t kChunkWords = 4;  // 256 rows: a block of RowLists
using ChunkBits = std::array<std::uint64_t, kChunkWords>;
inline constexpr std::size_t kChunkRun = 8;  // chunks that tests are given at a time

// The numbers of a column (facet cells, users) that pass.
struct LookUp {
  const std::uint16_t* cells = nullptr;  // one of the two columns
  const std::uint32_t* numbers = nullptr;
  std::vector<std::uint8_t> passes;  // by number: 0 or 1
};

// A test of rows. `cost` orders the children of a group, the cheapest first.
class RowTest {
 public:
  virtual ~RowTest() = default;
  // The rows of chunk `chunk` that pass, among those in `in`.
  [[nodiscard]] virtual ChunkBits pass(std::size_t chunk, const ChunkBits& in) const = 0;
  // The same in place of up to kChunkRun chunks from `chunk` on: who reads far apart can ask memory for what comes
  // next.
  virtual void keep(std::size_t chunk, std::span<ChunkBits> run) const;
  // Of a test that looks a row's number up in a table: which. A group makes one of all its tests of one column.
  [[nodiscard]] virtual const LookUp* look_up() const { return nullptr; }
  // Of an AND of tests: those, to be taken out of it by a group around it.
  [[nodiscard]] virtual std::vector<std::unique_ptr<RowTest>>* tests_of_all() { return nullptr; }
  int cost = 0;
};
using RowTestPtr = std::unique_ptr<RowTest>;

[[nodiscard]] RowTestPtr cells_test(const Image& image, const CellSet& set);
[[nodiscard]] RowTestPtr time_test(const Column<std::int64_t>& times, std::int64_t low,
                                   std::int64_t high);  // both included; never null
[[nodiscard]] RowTestPtr user_test(const Image& image, const Column<std::uint32_t>& numbers, std::uint32_t user);
[[nodiscard]] RowTestPtr link_test(const Image& image, std::uint32_t entity, std::optional<EntityType> type);
[[nodiscard]] RowTestPtr contains_test(const Image& image, const std::string& folded);
[[nodiscard]] RowTestPtr all_of(std::vector<RowTestPtr> tests);
[[nodiscard]] RowTestPtr filter_test(const Image& image, const FilterGroup& group);

// Keeps of `bits` the rows that pass; returns how many. Large ones are shared with threads that are free.
std::uint64_t keep_passing(const RowTest& test, Bits& bits);

}  // namespace taskledger::projections
