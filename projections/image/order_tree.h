// A sorted sequence of row numbers that can count: a B+-tree of fixed height (blocks of leaves), whose leaves and
// blocks carry how many rows, and where asked for how many of each cell, lie in them, so that the number of rows of any
// set of facets in any range is a few sums. What the order is, the caller knows: each search is a partition point.
// Each row has a prefix beside it, a number that sorts as the order does, or at least never the other way round: a
// search looks at prefixes, which lie side by side, and asks the caller, who goes to the row's columns, about equal
// ones only. Small sequences (most entities have a handful of links) are two bare arrays. Threads: as a container.
// Memory: 15 bytes a row, 22 with cells; about 75 at most where most rows have gone: leaves of few rows are joined.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "projections/image/cells.h"
#include "projections/image/prefetch.h"

namespace taskledger::projections {

class OrderTree {
 public:
  static constexpr unsigned kSmall = 48, kLeaf = 256, kBlock = 32;

  // A place before an element, or the end. Changes invalidate all.
  struct Place {
    std::uint32_t block = 0, leaf = 0, at = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };

  struct Item {
    std::uint64_t prefix;
    std::uint32_t row;
  };

  // `cells` (of all rows, by row; read during calls only) makes the sequence count by cells; nullptr: it does not.
  OrderTree() = default;
  OrderTree(OrderTree&& other) noexcept;
  OrderTree& operator=(OrderTree&& other) noexcept;
  ~OrderTree();

  void build(std::span<const Item> items, const std::uint16_t* cells);

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const;  // beside sizeof

  [[nodiscard]] Place begin() const { return {}; }
  [[nodiscard]] Place end() const;
  [[nodiscard]] std::uint32_t row(Place place) const;
  void advance(Place& place) const;
  void retreat(Place& place) const;  // not at begin()

  // The first element that is not before what is looked for: its prefix is greater, or it is the same and `before(row)`
  // is false; of all before that it is less, or `before(row)` true.
  template <class Before>
  [[nodiscard]] Place partition(std::uint64_t prefix, const Before& before) const;

  // The row's own cell is in `cells`.
  void insert(Place place, Item item, const std::uint16_t* cells);
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
  // How many of these, ascending, are less.
  static std::uint32_t first_not_less(const std::uint64_t* prefixes, std::uint32_t count, std::uint64_t prefix);

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
    std::uint64_t prefixes[kLeaf];
    std::unique_ptr<CellPart> cells;
    // Asks memory at once for what the first steps of a search may look at.
    TASKLEDGER_INLINED void ask_ahead() const {
      for (std::uint32_t at = kLeaf / 8; at < size; at += kLeaf / 8) prefetch_line(&prefixes[at]);
    }
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
    std::vector<std::uint64_t> firsts;  // the prefix of each leaf's first row
    std::unique_ptr<Histogram> histogram;
  };
  struct Large {
    std::vector<std::unique_ptr<Block>> blocks;
    std::vector<std::uint64_t> firsts;  // the prefix of each block's first row
    std::vector<std::uint32_t> sizes;   // Fenwick trees over the blocks, from 1
    std::vector<Histogram> histograms;  // empty when it does not count by cells
    Histogram total;
  };

  [[nodiscard]] bool large() const { return capacity_ == kLargeMark; }
  [[nodiscard]] Large& big() const { return *static_cast<Large*>(data_); }
  // A small one's prefixes, and its rows, which lie after them.
  [[nodiscard]] std::uint64_t* small_prefixes() const { return static_cast<std::uint64_t*>(data_); }
  [[nodiscard]] std::uint32_t* small() const {
    return reinterpret_cast<std::uint32_t*>(small_prefixes() + capacity_);  // NOLINT(*-reinterpret-cast)
  }
  void clear();
  void set_capacity(std::uint32_t capacity);
  void make_large(std::span<const Item> items, const std::uint16_t* cells);
  void make_small();
  void insert_large(Place place, Item item, const std::uint16_t* cells);
  static std::unique_ptr<Leaf> make_leaf(std::span<const Item> items, const std::uint16_t* cells);
  static void leaf_insert(Leaf& leaf, std::uint32_t at, Item item, const std::uint16_t* cells);
  static void leaf_erase(Leaf& leaf, std::uint32_t at);
  static std::unique_ptr<Leaf> split(Leaf& leaf);
  static void join(Leaf& leaf, const Leaf& next);
  // A leaf, or a block, becomes one with a neighbour where both hold little. Whether it did.
  static bool join_leaves(Block& block, std::uint32_t leaf);
  void join_blocks(std::uint32_t block);
  static void sum_up(Block& block);
  // After the first row of a leaf became another.
  void note_first(std::uint32_t block, std::uint32_t leaf);
  void index();  // the Fenwick trees anew
  void add(std::uint32_t block, std::int32_t rows, std::uint16_t cell, std::int32_t in_cell);
  [[nodiscard]] std::uint64_t before(Place place, const CellSet& set) const;

  static constexpr std::uint32_t kLargeMark = 0xFFFFFFFF;
  void* data_ = nullptr;  // prefixes and rows, or a Large
  std::uint32_t size_ = 0, capacity_ = 0;
};

// Without branches, which nobody could predict, once many are to be told apart.
inline std::uint32_t OrderTree::first_not_less(const std::uint64_t* prefixes, std::uint32_t count,
                                               std::uint64_t prefix) {
  if (count == 0) return 0;
  const std::uint64_t* from = prefixes;
  for (std::uint32_t half = 0; count > 1; count -= half) {
    half = count / 2;
    from += from[half - 1] < prefix ? half : 0;
  }
  return static_cast<std::uint32_t>(from - prefixes) + (*from < prefix ? 1 : 0);
}

template <class Before>
OrderTree::Place OrderTree::partition(std::uint64_t prefix, const Before& before) const {
  // Of `count` elements from `prefixes[0]` on; row_at(i) is the i-th.
  const auto search = [&](const std::uint64_t* prefixes, std::uint32_t count, const auto& row_at) {
    std::uint32_t low = first_not_less(prefixes, count, prefix);
    if (low == count || prefixes[low] != prefix) return low;
    // Among equal ones the rows decide.
    std::uint32_t left = count - low;
    while (left > 0) {
      const std::uint32_t half = left / 2, at = low + half;
      if (prefixes[at] == prefix && before(row_at(at))) {
        low = at + 1;
        left -= half + 1;
      } else {
        left = half;
      }
    }
    return low;
  };
  if (!large()) {
    const std::uint32_t* rows = small();
    return {0, 0, search(small_prefixes(), size_, [rows](std::uint32_t i) { return rows[i]; })};
  }
  const Large& large = big();
  const auto& blocks = large.blocks;
  // The last block, then the last leaf, whose first row is before; none of either is empty.
  std::uint32_t block = search(large.firsts.data(), static_cast<std::uint32_t>(blocks.size()),
                               [&](std::uint32_t i) { return blocks[i]->leaves[0]->rows[0]; });
  if (block == 0) return {};
  const Block& in_block = *blocks[--block];
  const auto& leaves = in_block.leaves;
  std::uint32_t leaf = search(in_block.firsts.data() + 1, static_cast<std::uint32_t>(leaves.size()) - 1,
                              [&](std::uint32_t i) { return leaves[i + 1]->rows[0]; });
  const Leaf& in = *leaves[leaf];
  in.ask_ahead();
  const std::uint32_t at = search(in.prefixes + 1, in.size - 1, [&in](std::uint32_t i) { return in.rows[i + 1]; }) + 1;
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
