// The sorted sequence against a plain vector: random insertions, erasures, changes of cells, counts of ranges, walks.
#include "projections/image/order_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace taskledger::projections {
namespace {

class OrderTreeTest : public testing::TestWithParam<unsigned> {
 protected:
  std::mt19937 random_{GetParam()};
  std::vector<std::uint64_t> keys_;    // by row; unique, few distinct high parts, which are the prefixes
  std::vector<std::uint16_t> cells_;   // by row
  std::vector<std::uint32_t> sorted_;  // the model
  OrderTree tree_;

  OrderTree::Place place_of(std::uint64_t key) const {
    return tree_.partition(key >> 32, [&](std::uint32_t row) { return keys_[row] < key; });
  }
  [[nodiscard]] OrderTree::Item item(std::uint32_t row) const { return {keys_[row] >> 32, row}; }
  std::size_t index_of(std::uint64_t key) const {
    return static_cast<std::size_t>(
        std::partition_point(sorted_.begin(), sorted_.end(), [&](std::uint32_t row) { return keys_[row] < key; }) -
        sorted_.begin());
  }
  CellSet some_set() {
    FacetFilter filter;
    if (random_() % 2) filter.completed = random_() % 2;
    if (random_() % 2) filter.priority = static_cast<Priority>(1 + random_() % 3);
    if (random_() % 3 == 0) filter.action_type = static_cast<ActionType>(1 + random_() % 5);
    if (random_() % 3 == 0) filter.link_type = static_cast<EntityType>(1 + random_() % 3);
    return CellSet(filter);
  }

  void check() {
    ASSERT_EQ(tree_.size(), sorted_.size());
    std::vector<std::uint32_t> walked;
    for (auto at = tree_.begin(); at != tree_.end(); tree_.advance(at)) walked.push_back(tree_.row(at));
    ASSERT_EQ(walked, sorted_);
    std::vector<std::uint32_t> back;
    for (auto at = tree_.end(); at != tree_.begin();) {
      tree_.retreat(at);
      back.push_back(tree_.row(at));
    }
    std::reverse(back.begin(), back.end());
    ASSERT_EQ(back, sorted_);
    for (int i = 0; i < 20; ++i) {
      std::uint64_t low = random_() % 70, high = random_() % 70;
      if (low > high) std::swap(low, high);
      low <<= 32, high <<= 32;
      const std::size_t from = index_of(low), to = index_of(high);
      ASSERT_EQ(tree_.rank(place_of(low)), from);
      ASSERT_EQ(tree_.count(place_of(low), place_of(high)), to - from);
      const CellSet set = some_set();
      std::vector<std::uint32_t> expected, seen;
      for (std::size_t at = from; at < to; ++at) {
        if (set.has(cells_[sorted_[at]])) expected.push_back(sorted_[at]);
      }
      ASSERT_EQ(tree_.count(place_of(low), place_of(high), set, cells_.data()), expected.size());
      tree_.each(place_of(low), place_of(high), set, cells_.data(), [&](std::uint32_t row) {
        seen.push_back(row);
        return true;
      });
      ASSERT_EQ(seen, expected);
    }
  }
};

TEST_P(OrderTreeTest, CountsAndWalksLikeAVector) {
  SCOPED_TRACE(testing::Message() << "seed " << GetParam());
  const std::size_t start = GetParam() % 3 == 0 ? 0 : random_() % 20'000;
  const auto add_key = [&] {
    keys_.push_back((random_() % 60) << 32 | keys_.size());
    cells_.push_back(static_cast<std::uint16_t>(random_() % kCells));
    return static_cast<std::uint32_t>(keys_.size() - 1);
  };
  for (std::size_t i = 0; i < start; ++i) sorted_.push_back(add_key());
  std::sort(sorted_.begin(), sorted_.end(), [&](std::uint32_t a, std::uint32_t b) { return keys_[a] < keys_[b]; });
  std::vector<OrderTree::Item> items;
  for (const std::uint32_t row : sorted_) items.push_back(item(row));
  tree_.build(items, cells_.data());
  ASSERT_NO_FATAL_FAILURE(check());
  for (int phase = 0; phase < 6; ++phase) {
    const unsigned inserts = phase % 2 == 0 ? 70 : 25;
    for (int i = 0; i < 4'000; ++i) {
      const bool ascending = phase == 4;  // as times of creation come
      if (sorted_.empty() || random_() % 100 < inserts) {
        const std::uint32_t row = add_key();
        if (ascending) keys_[row] = std::uint64_t{61} << 32 | row;
        tree_.insert(place_of(keys_[row]), item(row), cells_.data());
        sorted_.insert(sorted_.begin() + static_cast<std::ptrdiff_t>(index_of(keys_[row])), row);
        continue;
      }
      const std::size_t at = random_() % sorted_.size();
      const std::uint32_t row = sorted_[at];
      if (random_() % 3 == 0) {
        const std::uint16_t old = cells_[row];
        cells_[row] = static_cast<std::uint16_t>(random_() % kCells);
        tree_.change_cell(place_of(keys_[row]), old, cells_.data());
      } else {
        tree_.erase(place_of(keys_[row]), cells_.data());
        sorted_.erase(sorted_.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
    ASSERT_NO_FATAL_FAILURE(check());
  }
  while (!sorted_.empty()) {
    tree_.erase(place_of(keys_[sorted_.back()]), cells_.data());
    sorted_.pop_back();
    if (sorted_.size() % 997 != 0) continue;
    ASSERT_NO_FATAL_FAILURE(check());
  }
  ASSERT_EQ(tree_.bytes(), 0u);
}

// Most tasks ever made may be gone: the memory is that of those that are left.
TEST_P(OrderTreeTest, LeavesThatRowsHaveGoneFromAreJoined) {
  SCOPED_TRACE(testing::Message() << "seed " << GetParam());
  const auto add = [&](std::uint64_t key) {
    const auto row = static_cast<std::uint32_t>(keys_.size());
    keys_.push_back(key << 32 | row);
    cells_.push_back(static_cast<std::uint16_t>(random_() % kCells));
    tree_.insert(place_of(keys_[row]), item(row), cells_.data());
    sorted_.insert(sorted_.begin() + static_cast<std::ptrdiff_t>(index_of(keys_[row])), row);
  };
  const bool ascending = GetParam() % 2 == 0;
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t i = 0; i < 15'000; ++i) add(ascending ? i / 200 : random_() % 60);
    const std::size_t few = 10 + random_() % 50;
    while (sorted_.size() > few) {
      const std::size_t at = random_() % sorted_.size();
      tree_.erase(place_of(keys_[sorted_[at]]), cells_.data());
      sorted_.erase(sorted_.begin() + static_cast<std::ptrdiff_t>(at));
      ASSERT_LT(tree_.bytes(), 75 * sorted_.size() + 16'384) << sorted_.size();
      if (sorted_.size() % 997 != 0) continue;
      ASSERT_NO_FATAL_FAILURE(check());
    }
    ASSERT_NO_FATAL_FAILURE(check());
  }
  while (sorted_.size() > OrderTree::kSmall / 2) {
    tree_.erase(place_of(keys_[sorted_.back()]), cells_.data());
    sorted_.pop_back();
  }
  EXPECT_LE(tree_.bytes(), 16 + 12 * OrderTree::kSmall) << "bare arrays again";
  ASSERT_NO_FATAL_FAILURE(check());
}

INSTANTIATE_TEST_SUITE_P(Seeds, OrderTreeTest, testing::Range(1u, 7u));

}  // namespace
}  // namespace taskledger::projections
