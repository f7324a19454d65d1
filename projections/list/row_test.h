// A test of an image's rows: 256 of them at a time, as bits in and bits out, each only on the rows that still matter
// (of an AND those that passed so far, of an OR those that did not); groups of tests, and what tests are made with.
// Threads: tests are made by one, under the image's shared lock, and used by several.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "projections/image/image.h"

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

// A group of tests, of which a row has to pass `any` one or all.
[[nodiscard]] RowTestPtr group_of(const Image& image, bool any, std::vector<RowTestPtr> tests);
[[nodiscard]] RowTestPtr all_of(std::vector<RowTestPtr> tests);
[[nodiscard]] RowTestPtr negated(const Image& image, RowTestPtr test);
[[nodiscard]] RowTestPtr look_up_test(const Image& image, LookUp table);

// For who writes tests:

inline constexpr unsigned kFew = 12;  // candidates in a chunk up to which they are tested one by one

[[nodiscard]] inline bool none(const ChunkBits& bits) { return (bits[0] | bits[1] | bits[2] | bits[3]) == 0; }
[[nodiscard]] inline unsigned count(const ChunkBits& bits) {
  unsigned sum = 0;
  for (const std::uint64_t word : bits) sum += static_cast<unsigned>(std::popcount(word));
  return sum;
}
template <class Fn>
void each_row(std::size_t chunk, const ChunkBits& bits, const Fn& fn) {
  for (std::size_t word = 0; word < kChunkWords; ++word) {
    for (std::uint64_t left = bits[word]; left != 0; left &= left - 1) {
      fn(static_cast<Row>(chunk * 256 + word * 64 + static_cast<std::size_t>(std::countr_zero(left))));
    }
  }
}
[[nodiscard]] inline ChunkBits without(ChunkBits bits, const ChunkBits& other) {
  for (std::size_t word = 0; word < kChunkWords; ++word) bits[word] &= ~other[word];
  return bits;
}
inline void set_bit(ChunkBits& bits, Row row) { bits[row % 256 / 64] |= std::uint64_t{1} << (row % 64); }
using Run = std::array<ChunkBits, kChunkRun>;
[[nodiscard]] inline Run copy_of(std::span<const ChunkBits> run) {
  Run copy{};
  std::copy(run.begin(), run.end(), copy.begin());
  return copy;
}

// A test of one row by `one(row)`, branch-free over 64 rows where all of them are candidates anyway.
template <class One>
class PerRow : public RowTest {
 public:
  PerRow(std::size_t rows, int cost_of, One one) : rows_(rows), one_(std::move(one)) { cost = cost_of; }
  ChunkBits pass(std::size_t chunk, const ChunkBits& in) const override {
    ChunkBits out{};
    for (std::size_t word = 0; word < kChunkWords; ++word) {
      if (in[word] == 0) continue;
      const Row first = static_cast<Row>(chunk * 256 + word * 64);
      if (static_cast<unsigned>(std::popcount(in[word])) <= kFew || first + 64 > rows_) {
        for (std::uint64_t left = in[word]; left != 0; left &= left - 1) {
          const auto bit = static_cast<unsigned>(std::countr_zero(left));
          out[word] |= static_cast<std::uint64_t>(one_(first + bit)) << bit;
        }
        continue;
      }
      std::uint64_t passed = 0;
      for (unsigned bit = 0; bit < 64; ++bit) passed |= static_cast<std::uint64_t>(one_(first + bit)) << bit;
      out[word] = passed & in[word];
    }
    return out;
  }

 private:
  std::size_t rows_;
  One one_;
};
template <class One>
RowTestPtr per_row(const Image& image, int cost, One one) {
  return std::make_unique<PerRow<One>>(image.rows(), cost, std::move(one));
}
[[nodiscard]] inline RowTestPtr nothing(const Image& image) {
  return per_row(image, 0, [](Row) { return false; });
}

}  // namespace taskledger::projections
