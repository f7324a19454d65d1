// A sorted sequence of row numbers that can count: a B+-tree of fixed height (blocks of leaves), whose leaves and
// blocks carry how many rows, and where asked for how many of each cell, lie in them, so that the number of rows of any
// set of facets in any range is a few sums. What the order is, the caller knows: each search is a partition point.
// Small sequences (most entities have a handful of links) are a bare array.
// Threads: as a container. Memory: 5 bytes a row, 12 with cells.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "projections/image/cells.h"

namespace taskledger::projections {

class OrderTree {
 public:
  static constexpr unsigned kSmall = 48, kLeaf = 256, kBlock = 32;

  // A place before an element, or the end. Changes invalidate all.
  struct Place {
    std::uint32_t block = 0, leaf = 0, at = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };

  // `cells` (of all rows, by row; read during calls only) makes the sequence count by cells; nullptr: it does not.
  OrderTree() = default;
  OrderTree(OrderTree&& other) noexcept;
  OrderTree& operator=(OrderTree&& other) noexcept;
  ~OrderTree();

  void build(std::span<const std::uint32_t> rows, const std::uint16_t* cells);

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const;  // beside sizeof

  [[nodiscard]] Place begin() const { return {}; }
  [[nodiscard]] Place end() const;
  [[nodiscard]] std::uint32_t row(Place place) const;
  void advance(Place& place) const;
  void retreat(Place& place) const;  // not at begin()

  // The first element of which `before` is false; it is true of all before that.
  template <class Before>
  [[nodiscard]] Place partition(const Before& before) const;

  // The row's own cell is in `cells`.
  void insert(Place place, std::uint32_t row, const std::uint16_t* cells);
  void erase(Place place, const std::uint16_t* cells);
  // After the cell of the row there changed from `old_cell`.
  void change_cell(Place place, std::uint16_t old_cell, const std::uint16_t* cells);

  [[nodiscard]] std::uint64_t rank(Place place) const;
  [[nodiscard]] std::uint64_t count(Place from, Place to) const { return rank(to) - rank(from); }
  [[nodiscard]] std::uint64_t count(Place from, Place to, const CellSet& set, const std::uint16_t* cells) const;

  // Calls visit(row) -> bool (false: stop) for the rows of [from, to) whose cell is in the set, in order; parts without
  // such rows are skipped. The tree counts by cells. Returns where it stopped (that row visited), or `to`.
  template <class Visit>
  Place each(Place from, Place to, const CellSet& set, const std::uint16_t* cells, const Visit& visit) const;
  // Whether the leaf that `place` is in can be skipped: it holds no row of the set.
  [[nodiscard]] bool barren(Place place, const CellSet& set) const;

 private:
  struct CellPart {
    std::uint16_t cell[kLeaf];
    alignas(64) std::uint16_t histogram[kCells];
    std::uint32_t open = 0;  // of the histogram, the cells that are not completed; likewise below
    void add(std::uint16_t cell_number, int count) {
      histogram[cell_number] = static_cast<std::uint16_t>(histogram[cell_number] + count);
      if (is_open(cell_number)) open += static_cast<std::uint32_t>(count);
    }
    [[nodiscard]] std::uint32_t sum(const CellSet& set) const { return set.open() ? open : set.sum(histogram); }
  };
  struct Leaf {
    std::uint32_t size = 0;
    std::uint32_t rows[kLeaf];
    std::unique_ptr<CellPart> cells;
  };
  struct Histogram {
    alignas(64) std::array<std::uint32_t, kCells> of{};
    std::uint32_t open = 0;
    void add(std::uint16_t cell, std::int32_t count) {
      of[cell] += static_cast<std::uint32_t>(count);
      if (is_open(cell)) open += static_cast<std::uint32_t>(count);
    }
    void add(const Histogram& other) {
      for (unsigned cell = 0; cell < kCells; ++cell) of[cell] += other.of[cell];
      open += other.open;
    }
    [[nodiscard]] std::uint64_t sum(const CellSet& set) const { return set.open() ? open : set.sum(of.data()); }
  };
  struct Block {
    std::uint32_t size = 0;
    std::vector<std::unique_ptr<Leaf>> leaves;
    std::unique_ptr<Histogram> histogram;
  };
  struct Large {
    std::vector<std::unique_ptr<Block>> blocks;
    std::vector<std::uint32_t> sizes;   // Fenwick trees over the blocks, from 1
    std::vector<Histogram> histograms;  // empty when it does not count by cells
    Histogram total;
  };

  [[nodiscard]] bool large() const { return capacity_ == kLargeMark; }
  [[nodiscard]] Large& big() const { return *static_cast<Large*>(data_); }
  [[nodiscard]] std::uint32_t* small() const { return static_cast<std::uint32_t*>(data_); }
  void clear();
  void make_large(std::span<const std::uint32_t> rows, const std::uint16_t* cells);
  void insert_large(Place place, std::uint32_t row, const std::uint16_t* cells);
  static std::unique_ptr<Leaf> make_leaf(std::span<const std::uint32_t> rows, const std::uint16_t* cells);
  static void leaf_insert(Leaf& leaf, std::uint32_t at, std::uint32_t row, const std::uint16_t* cells);
  static void leaf_erase(Leaf& leaf, std::uint32_t at);
  static std::unique_ptr<Leaf> split(Leaf& leaf);
  static void sum_up(Block& block);
  void index();  // the Fenwick trees anew
  void add(std::uint32_t block, std::int32_t rows, std::uint16_t cell, std::int32_t in_cell);
  [[nodiscard]] std::uint64_t before(Place place, const CellSet& set) const;

  static constexpr std::uint32_t kLargeMark = 0xFFFFFFFF;
  void* data_ = nullptr;  // rows, or a Large
  std::uint32_t size_ = 0, capacity_ = 0;
};

template <class Before>
OrderTree::Place OrderTree::partition(const Before& before) const {
  const auto search = [](std::uint32_t count, const auto& is_before) {
    std::uint32_t low = 0;
    while (count > 0) {
      const std::uint32_t half = count / 2;
      if (is_before(low + half)) {
        low += half + 1;
        count -= half + 1;
      } else {
        count = half;
      }
    }
    return low;
  };
  if (!large()) {
    const std::uint32_t* rows = small();
    return {0, 0, search(size_, [&](std::uint32_t i) { return before(rows[i]); })};
  }
  const auto& blocks = big().blocks;
  // The last block, then the last leaf, whose first row is before; none of either is empty.
  std::uint32_t block = search(static_cast<std::uint32_t>(blocks.size()),
                               [&](std::uint32_t i) { return before(blocks[i]->leaves[0]->rows[0]); });
  if (block == 0) return {};
  const auto& leaves = blocks[--block]->leaves;
  std::uint32_t leaf = search(static_cast<std::uint32_t>(leaves.size()) - 1,
                              [&](std::uint32_t i) { return before(leaves[i + 1]->rows[0]); });
  const Leaf& in = *leaves[leaf];
  const std::uint32_t at = search(in.size - 1, [&](std::uint32_t i) { return before(in.rows[i + 1]); }) + 1;
  if (at < in.size) return {block, leaf, at};
  return ++leaf < leaves.size() ? Place{block, leaf, 0} : Place{block + 1, 0, 0};
}

template <class Visit>
OrderTree::Place OrderTree::each(Place from, Place to, const CellSet& set, const std::uint16_t* cells,
                                 const Visit& visit) const {
  if (!large()) {
    for (; from.at < to.at; ++from.at) {
      const std::uint32_t row = small()[from.at];
      if (set.has(cells[row]) && !visit(row)) return from;
    }
    return to;
  }
  const auto& blocks = big().blocks;
  while (from < to) {
    const Block& block = *blocks[from.block];
    if (from.leaf == 0 && from.at == 0 && !set.all() && from.block < to.block && block.histogram->sum(set) == 0) {
      from = {from.block + 1, 0, 0};
      continue;
    }
    const Leaf& leaf = *block.leaves[from.leaf];
    const std::uint32_t stop = from.block == to.block && from.leaf == to.leaf ? to.at : leaf.size;
    if (set.all() || leaf.cells->sum(set) != 0) {
      for (; from.at < stop; ++from.at) {
        if (set.has(leaf.cells->cell[from.at]) && !visit(leaf.rows[from.at])) return from;
      }
    }
    from.at = stop;
    if (from == to) break;
    from = from.leaf + 1 < block.leaves.size() ? Place{from.block, from.leaf + 1, 0} : Place{from.block + 1, 0, 0};
  }
  return to;
}

}  // namespace taskledger::projections
