#include "projections/image/order_tree.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace taskledger::projections {

namespace {
constexpr std::uint32_t kFill = 208;                         // rows a leaf when built in bulk: some room to grow
constexpr std::uint32_t kBlockFill = 26;                     // leaves a block, likewise
constexpr std::uint32_t kThinLeaf = OrderTree::kLeaf / 2;    // rows of two neighbours that become one
constexpr std::uint32_t kThinBlock = OrderTree::kBlock / 2;  // leaves, likewise
constexpr std::size_t kSmallItem = sizeof(std::uint64_t) + sizeof(std::uint32_t);  // bytes, in a small sequence
}  // namespace

OrderTree::OrderTree(OrderTree&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

OrderTree& OrderTree::operator=(OrderTree&& other) noexcept {
  std::swap(data_, other.data_), std::swap(size_, other.size_), std::swap(capacity_, other.capacity_);
  return *this;
}

OrderTree::~OrderTree() { clear(); }

void OrderTree::clear() {
  if (large()) {
    delete static_cast<Large*>(data_);
  } else {
    std::free(data_);
  }
  data_ = nullptr;
  size_ = capacity_ = 0;
}

std::size_t OrderTree::bytes() const {
  if (!large()) return capacity_ * kSmallItem + (data_ ? 16 : 0);
  std::size_t bytes = sizeof(Large) + big().histograms.size() * sizeof(Histogram);
  for (const auto& block : big().blocks) {
    const bool cells = block->histogram != nullptr;
    bytes += sizeof(Block) + (cells ? sizeof(Histogram) : 0) + 16;
    bytes += block->leaves.size() * (sizeof(Leaf) + (cells ? sizeof(CellPart) : 0) + 48);
  }
  return bytes;
}

OrderTree::Place OrderTree::end() const {
  return large() ? Place{static_cast<std::uint32_t>(big().blocks.size()), 0, 0} : Place{0, 0, size_};
}

std::uint32_t OrderTree::row(Place place) const {
  return large() ? big().blocks[place.block]->leaves[place.leaf]->rows[place.at] : small()[place.at];
}

void OrderTree::advance(Place& place) const {
  ++place.at;
  if (!large()) return;
  const Block& block = *big().blocks[place.block];
  if (place.at < block.leaves[place.leaf]->size) return;
  place.at = 0;
  if (++place.leaf < block.leaves.size()) return;
  place.leaf = 0;
  ++place.block;
}

void OrderTree::retreat(Place& place) const {
  if (large() && place.at == 0) {
    if (place.leaf == 0) {
      --place.block;
      place.leaf = static_cast<std::uint32_t>(big().blocks[place.block]->leaves.size());
    }
    --place.leaf;
    place.at = big().blocks[place.block]->leaves[place.leaf]->size;
  }
  --place.at;
}

std::unique_ptr<OrderTree::Leaf> OrderTree::make_leaf(std::span<const Item> items, const std::uint16_t* cells) {
  auto leaf = std::make_unique<Leaf>();
  leaf->size = static_cast<std::uint32_t>(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    leaf->rows[i] = items[i].row;
    leaf->prefixes[i] = items[i].prefix;
  }
  if (cells != nullptr) {
    leaf->cells = std::make_unique<CellPart>();
    for (std::size_t i = 0; i < items.size(); ++i) {
      leaf->cells->cell[i] = cells[items[i].row];
      leaf->cells->add(cells[items[i].row], 1);
    }
  }
  return leaf;
}

void OrderTree::sum_up(Block& block) {
  block.size = 0;
  block.firsts.clear();
  const bool cells = block.leaves[0]->cells != nullptr;
  if (cells) block.histogram = std::make_unique<Histogram>();
  for (const auto& leaf : block.leaves) {
    block.size += leaf->size;
    block.firsts.push_back(leaf->prefixes[0]);
    if (!cells) continue;
    for (unsigned cell = 0; cell < kCells; ++cell) block.histogram->of[cell] += leaf->cells->histogram[cell];
    block.histogram->open += leaf->cells->open;
  }
}

void OrderTree::index() {
  Large& large = big();
  const std::size_t count = large.blocks.size();
  const bool cells = large.blocks[0]->histogram != nullptr;
  large.sizes.assign(count + 1, 0);
  large.histograms.clear();
  large.total = {};
  large.firsts.clear();
  for (const auto& block : large.blocks) large.firsts.push_back(block->firsts[0]);
  if (cells) large.histograms.resize(count + 1);
  for (std::size_t i = 1; i <= count; ++i) {
    large.sizes[i] += large.blocks[i - 1]->size;
    const std::size_t up = i + (i & -i);
    if (up <= count) large.sizes[up] += large.sizes[i];
    if (!cells) continue;
    large.histograms[i].add(*large.blocks[i - 1]->histogram);
    if (up <= count) large.histograms[up].add(large.histograms[i]);
    large.total.add(*large.blocks[i - 1]->histogram);
  }
}

void OrderTree::add(std::uint32_t block, std::int32_t rows, std::uint16_t cell, std::int32_t in_cell) {
  Large& large = big();
  large.blocks[block]->size += static_cast<std::uint32_t>(rows);
  const bool cells = !large.histograms.empty();
  if (cells) {
    large.blocks[block]->histogram->add(cell, in_cell);
    large.total.add(cell, in_cell);
  }
  for (std::size_t i = block + 1; i < large.sizes.size(); i += i & -i) {
    large.sizes[i] += static_cast<std::uint32_t>(rows);
    if (cells) large.histograms[i].add(cell, in_cell);
  }
}

void OrderTree::note_first(std::uint32_t block, std::uint32_t leaf) {
  Large& large = big();
  const std::uint64_t first = large.blocks[block]->leaves[leaf]->prefixes[0];
  large.blocks[block]->firsts[leaf] = first;
  if (leaf == 0) large.firsts[block] = first;
}

// Of a small sequence, which it holds.
void OrderTree::set_capacity(std::uint32_t capacity) {
  void* grown = std::malloc(capacity * kSmallItem);
  if (grown == nullptr) throw std::bad_alloc();
  OrderTree old;
  old.data_ = std::exchange(data_, grown);
  old.capacity_ = std::exchange(capacity_, capacity);
  if (size_ == 0) return;
  std::memcpy(small_prefixes(), old.small_prefixes(), size_ * sizeof(std::uint64_t));
  std::memcpy(small(), old.small(), size_ * sizeof(std::uint32_t));
}

void OrderTree::build(std::span<const Item> items, const std::uint16_t* cells) {
  clear();
  if (items.size() > kSmall) return make_large(items, cells);
  if (items.empty()) return;
  set_capacity(static_cast<std::uint32_t>(items.size()));
  for (const Item& item : items) {
    small_prefixes()[size_] = item.prefix;
    small()[size_++] = item.row;
  }
}

void OrderTree::make_large(std::span<const Item> items, const std::uint16_t* cells) {
  auto large = std::make_unique<Large>();
  const std::size_t count = items.size();
  for (std::size_t at = 0; at < count;) {
    if (large->blocks.empty() || large->blocks.back()->leaves.size() == kBlockFill)
      large->blocks.push_back(std::make_unique<Block>());
    const std::size_t take = std::min<std::size_t>(kFill, count - at);
    large->blocks.back()->leaves.push_back(make_leaf(items.subspan(at, take), cells));
    at += take;
  }
  for (auto& block : large->blocks) sum_up(*block);
  clear();
  data_ = large.release();
  size_ = static_cast<std::uint32_t>(count);
  capacity_ = kLargeMark;
  index();
}

void OrderTree::insert(Place place, Item item, const std::uint16_t* cells) {
  if (large()) return insert_large(place, item, cells);
  if (size_ == kSmall) {
    Item items[kSmall + 1];
    for (std::uint32_t i = 0; i < size_; ++i) items[i + (i < place.at ? 0 : 1)] = {small_prefixes()[i], small()[i]};
    items[place.at] = item;
    return make_large(items, cells);
  }
  if (size_ == capacity_) set_capacity(capacity_ < 4 ? capacity_ + 2 : std::min(kSmall, capacity_ + capacity_ / 2));
  const std::size_t after = size_ - place.at;
  std::memmove(small_prefixes() + place.at + 1, small_prefixes() + place.at, after * sizeof(std::uint64_t));
  std::memmove(small() + place.at + 1, small() + place.at, after * sizeof(std::uint32_t));
  small_prefixes()[place.at] = item.prefix;
  small()[place.at] = item.row;
  ++size_;
}

void OrderTree::leaf_insert(Leaf& leaf, std::uint32_t at, Item item, const std::uint16_t* cells) {
  const std::uint32_t row = item.row;
  std::memmove(leaf.rows + at + 1, leaf.rows + at, (leaf.size - at) * sizeof leaf.rows[0]);
  std::memmove(leaf.prefixes + at + 1, leaf.prefixes + at, (leaf.size - at) * sizeof leaf.prefixes[0]);
  leaf.rows[at] = row;
  leaf.prefixes[at] = item.prefix;
  if (leaf.cells) {
    CellPart& part = *leaf.cells;
    std::memmove(part.cell + at + 1, part.cell + at, (leaf.size - at) * sizeof part.cell[0]);
    part.cell[at] = cells[row];
    part.add(cells[row], 1);
  }
  ++leaf.size;
}

void OrderTree::leaf_erase(Leaf& leaf, std::uint32_t at) {
  if (leaf.cells) {
    CellPart& part = *leaf.cells;
    part.add(part.cell[at], -1);
    std::memmove(part.cell + at, part.cell + at + 1, (leaf.size - at - 1) * sizeof part.cell[0]);
  }
  std::memmove(leaf.rows + at, leaf.rows + at + 1, (leaf.size - at - 1) * sizeof leaf.rows[0]);
  std::memmove(leaf.prefixes + at, leaf.prefixes + at + 1, (leaf.size - at - 1) * sizeof leaf.prefixes[0]);
  --leaf.size;
}

// The upper half of a leaf, as a leaf of its own.
std::unique_ptr<OrderTree::Leaf> OrderTree::split(Leaf& leaf) {
  auto upper = std::make_unique<Leaf>();
  const std::uint32_t keep = leaf.size / 2;
  upper->size = leaf.size - keep;
  std::copy_n(leaf.rows + keep, upper->size, upper->rows);
  std::copy_n(leaf.prefixes + keep, upper->size, upper->prefixes);
  if (leaf.cells) {
    upper->cells = std::make_unique<CellPart>();
    std::copy_n(leaf.cells->cell + keep, upper->size, upper->cells->cell);
    for (std::uint32_t i = 0; i < upper->size; ++i) {
      upper->cells->add(upper->cells->cell[i], 1);
      leaf.cells->add(upper->cells->cell[i], -1);
    }
  }
  leaf.size = keep;
  return upper;
}

void OrderTree::insert_large(Place place, Item item, const std::uint16_t* cells) {
  auto& blocks = big().blocks;
  const bool at_end = place == end();
  // Before the first row of a leaf means after the last of the one before: no first row changes for it.
  if (place.at == 0 && (place.leaf != 0 || place.block != 0)) {
    if (place.leaf == 0) {
      --place.block;
      place.leaf = static_cast<std::uint32_t>(blocks[place.block]->leaves.size());
    }
    --place.leaf;
    place.at = blocks[place.block]->leaves[place.leaf]->size;
  }
  auto& leaves = blocks[place.block]->leaves;
  auto& firsts = blocks[place.block]->firsts;
  if (leaves[place.leaf]->size == kLeaf) {
    if (at_end) {  // times of creation and change only grow: full leaves stay full
      leaves.push_back(make_leaf({}, big().histograms.empty() ? nullptr : cells));
      firsts.push_back(item.prefix);
      place = {place.block, place.leaf + 1, 0};
    } else {
      leaves.insert(leaves.begin() + place.leaf + 1, split(*leaves[place.leaf]));
      firsts.insert(firsts.begin() + place.leaf + 1, leaves[place.leaf + 1]->prefixes[0]);
      const std::uint32_t keep = leaves[place.leaf]->size;
      if (place.at > keep) place = {place.block, place.leaf + 1, place.at - keep};
    }
  }
  leaf_insert(*leaves[place.leaf], place.at, item, cells);
  if (place.at == 0) note_first(place.block, place.leaf);
  ++size_;
  const std::uint16_t cell = big().histograms.empty() ? 0 : cells[item.row];
  add(place.block, 1, cell, 1);
  if (leaves.size() <= kBlock) return;
  auto upper = std::make_unique<Block>();
  const std::size_t keep = at_end ? leaves.size() - 1 : leaves.size() / 2;
  upper->leaves.assign(std::make_move_iterator(leaves.begin() + static_cast<std::ptrdiff_t>(keep)),
                       std::make_move_iterator(leaves.end()));
  leaves.resize(keep);
  sum_up(*upper);
  sum_up(*blocks[place.block]);
  blocks.insert(blocks.begin() + place.block + 1, std::move(upper));
  index();
}

// Appends the rows of a leaf to those of the one before it.
void OrderTree::join(Leaf& leaf, const Leaf& next) {
  std::copy_n(next.rows, next.size, leaf.rows + leaf.size);
  std::copy_n(next.prefixes, next.size, leaf.prefixes + leaf.size);
  if (leaf.cells) {
    std::copy_n(next.cells->cell, next.size, leaf.cells->cell + leaf.size);
    for (std::uint32_t i = 0; i < next.size; ++i) leaf.cells->add(next.cells->cell[i], 1);
  }
  leaf.size += next.size;
}

bool OrderTree::join_leaves(Block& block, std::uint32_t leaf) {
  auto& leaves = block.leaves;
  const std::size_t before = leaves.size();
  for (const std::uint32_t upper : {leaf + 1, leaf}) {
    if (upper == 0 || upper >= leaves.size() || leaves[upper - 1]->size + leaves[upper]->size > kThinLeaf) continue;
    join(*leaves[upper - 1], *leaves[upper]);
    leaves.erase(leaves.begin() + upper);
    block.firsts.erase(block.firsts.begin() + upper);
  }
  return leaves.size() < before;
}

void OrderTree::join_blocks(std::uint32_t block) {
  auto& blocks = big().blocks;
  for (const std::uint32_t upper : {block + 1, block}) {
    if (upper == 0 || upper >= blocks.size()) continue;
    auto &leaves = blocks[upper - 1]->leaves, &more = blocks[upper]->leaves;
    if (leaves.size() + more.size() > kThinBlock) continue;
    const auto seam = static_cast<std::uint32_t>(leaves.size());
    leaves.insert(leaves.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    sum_up(*blocks[upper - 1]);
    join_leaves(*blocks[upper - 1], seam);
    blocks.erase(blocks.begin() + upper);
    index();
  }
}

// Of a large sequence, few of whose rows are left.
void OrderTree::make_small() {
  std::vector<Item> items;
  for (const auto& block : big().blocks) {
    for (const auto& leaf : block->leaves) {
      for (std::uint32_t i = 0; i < leaf->size; ++i) items.push_back({leaf->prefixes[i], leaf->rows[i]});
    }
  }
  build(items, nullptr);
}

void OrderTree::erase(Place place, const std::uint16_t*) {
  if (!large()) {
    const std::size_t after = size_ - place.at - 1;
    std::memmove(small_prefixes() + place.at, small_prefixes() + place.at + 1, after * sizeof(std::uint64_t));
    std::memmove(small() + place.at, small() + place.at + 1, after * sizeof(std::uint32_t));
    if (--size_ == 0) clear();
    return;
  }
  auto& blocks = big().blocks;
  auto& leaves = blocks[place.block]->leaves;
  Leaf& leaf = *leaves[place.leaf];
  const std::uint16_t cell = leaf.cells ? leaf.cells->cell[place.at] : 0;
  leaf_erase(leaf, place.at);
  add(place.block, -1, cell, -1);
  if (--size_ <= kSmall / 2) return make_small();
  Block& block = *blocks[place.block];
  const bool emptied = leaf.size == 0;
  if (emptied) {
    leaves.erase(leaves.begin() + place.leaf);
    block.firsts.erase(block.firsts.begin() + place.leaf);
    if (leaves.empty()) {
      blocks.erase(blocks.begin() + place.block);
      return index();
    }
  }
  if (place.at == 0 && place.leaf < leaves.size()) note_first(place.block, place.leaf);
  // What is left of many rows would else keep their leaves for good, a row or two in each.
  if (emptied || (leaf.size <= kThinLeaf && join_leaves(block, place.leaf))) join_blocks(place.block);
}

void OrderTree::change_cell(Place place, std::uint16_t old_cell, const std::uint16_t* cells) {
  if (!large()) return;
  Leaf& leaf = *big().blocks[place.block]->leaves[place.leaf];
  const std::uint16_t cell = cells[leaf.rows[place.at]];
  leaf.cells->cell[place.at] = cell;
  leaf.cells->add(old_cell, -1);
  leaf.cells->add(cell, 1);
  add(place.block, 0, old_cell, -1);
  add(place.block, 0, cell, 1);
}

std::uint64_t OrderTree::rank(Place place) const {
  if (!large()) return place.at;
  const Large& large = big();
  std::uint64_t rank = place.at;
  for (std::size_t i = place.block; i != 0; i &= i - 1) rank += large.sizes[i];
  for (std::uint32_t i = 0; i < place.leaf; ++i) rank += large.blocks[place.block]->leaves[i]->size;
  return rank;
}

// Rows of the set before `place`, of a large sequence.
std::uint64_t OrderTree::before(Place place, const CellSet& set) const {
  const Large& large = big();
  if (place.block == large.blocks.size()) return large.total.sum(set);
  std::uint64_t sum = 0;
  for (std::size_t i = place.block; i != 0; i &= i - 1) sum += large.histograms[i].sum(set);
  const Block& block = *large.blocks[place.block];
  const auto sum_of_leaves = [&](std::uint32_t first, std::uint32_t last) {
    std::uint64_t of_leaves = 0;
    for (std::uint32_t i = first; i < last; ++i) {
      if (i + 1 < last && !set.open()) set.prefetch(block.leaves[i + 1]->cells->histogram);
      of_leaves += block.leaves[i]->cells->sum(set);
    }
    return of_leaves;
  };
  const auto leaves = static_cast<std::uint32_t>(block.leaves.size());
  if (place.leaf <= leaves / 2) {
    sum += sum_of_leaves(0, place.leaf);
  } else {
    sum += block.histogram->sum(set) - sum_of_leaves(place.leaf, leaves);
  }
  const CellPart& part = *block.leaves[place.leaf]->cells;
  if (set.open()) {
    for (std::uint32_t i = 0; i < place.at; ++i) sum += is_open(part.cell[i]);
  } else {
    for (std::uint32_t i = 0; i < place.at; ++i) sum += set.has(part.cell[i]);
  }
  return sum;
}

std::uint64_t OrderTree::count(Place from, Place to, const CellSet& set, const std::uint16_t* cells) const {
  if (set.all()) return count(from, to);
  if (large()) return before(to, set) - before(from, set);
  std::uint64_t sum = 0;
  for (std::uint32_t i = from.at; i < to.at; ++i) sum += set.has(cells[small()[i]]);
  return sum;
}

bool OrderTree::barren(Place place, const CellSet& set) const {
  if (!large() || set.all()) return false;
  return big().blocks[place.block]->leaves[place.leaf]->cells->sum(set) == 0;
}

}  // namespace taskledger::projections
