// The first few rows of any order among candidates given in any order: a bounded buffer with a threshold on one number
// for each row (the first key's prefix), so that most candidates cost a load and a comparison.
// Threads: one query's own, under the image's shared lock.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "core/query.h"
#include "projections/image/image.h"
#include "projections/image/keys.h"

namespace taskledger::projections {

// An order over rows, with the place after which rows are wanted.
class RowOrder {
 public:
  RowOrder(const Image& image, const SortOrder& order, const std::optional<SortPosition>& after);
  [[nodiscard]] bool before(Row a, Row b) const;
  [[nodiscard]] bool past_cursor(Row row) const;
  [[nodiscard]] bool has_cursor() const { return has_cursor_; }
  // The row that the cursor was made of, where it still has the values of then.
  [[nodiscard]] std::optional<Row> cursor_row() const { return cursor_row_; }
  [[nodiscard]] SortPosition position_of(Row row) const;

  // Calls fn with a function from a row to a number that sorts as the order does, or at least never the other way
  // round. Leading keys of few values (priority and the like, users where they are not too many) are in it whole, the
  // key after them with the bits that are left.
  template <class Fn>
  void with_prefix(const Fn& fn) const {
    const Exact exact = exact_keys();
    if (exact.keys == order_.size()) return fn([&](Row row) { return exact.of(image_, row); });
    const SortKey& next = order_[exact.keys];
    with_key(image_, next.field, [&](const auto& key) {
      if (exact.keys == 0) return fn([&](Row row) { return directed(key, row, next.descending); });
      fn([&](Row row) { return exact.of(image_, row) | directed(key, row, next.descending) >> exact.bits; });
    });
  }

 private:
  // The leading keys that fit whole into a number, as its highest bits: by cell and by user's number.
  struct Exact {
    std::size_t keys = 0;
    unsigned bits = 0;
    std::array<std::uint64_t, kCells> by_cell{};
    std::vector<std::uint64_t> by_user;  // empty: users are not among the keys
    [[nodiscard]] std::uint64_t of(const Image& image, Row row) const {
      return by_cell[image.cell[row]] | (by_user.empty() ? 0 : by_user[image.assignee[row]]);
    }
  };
  [[nodiscard]] Exact exact_keys() const;
  template <class Key>
  static std::uint64_t directed(const Key& key, Row row, bool descending) {
    if (key.null(row)) return std::numeric_limits<std::uint64_t>::max();
    return descending ? ~key.prefix(row) : key.prefix(row);
  }

  const Image& image_;
  const SortOrder& order_;
  bool has_cursor_;
  std::optional<Row> cursor_row_;
  std::vector<KeyValue> values_;
  Uuid id_;
};

// Calls produce(offer); offer(row) for each candidate. Returns the first `limit` past the cursor, in order.
template <class Produce>
std::vector<Row> top_rows(const RowOrder& order, std::size_t limit, const Produce& produce) {
  struct Candidate {
    std::uint64_t prefix;
    Row row;
  };
  std::vector<Candidate> kept;
  kept.reserve(limit * 8 + 64);
  const std::size_t full = kept.capacity();
  bool bounded = false;
  Candidate worst{};  // the last one wanted so far, once there are enough
  const auto less = [&](const Candidate& a, const Candidate& b) {
    return a.prefix < b.prefix || (a.prefix == b.prefix && order.before(a.row, b.row));
  };
  const auto shrink = [&] {
    if (kept.size() <= limit) return;
    std::nth_element(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(limit) - 1, kept.end(), less);
    kept.resize(limit);
    worst = kept.back();
    bounded = true;
  };
  order.with_prefix([&](const auto& prefix_of) {
    const std::uint64_t floor = order.cursor_row() ? prefix_of(*order.cursor_row()) : 0;
    produce([&](Row row) {
      const Candidate candidate{prefix_of(row), row};
      if (candidate.prefix < floor) return;  // before the cursor
      if (bounded &&
          (candidate.prefix > worst.prefix || (candidate.prefix == worst.prefix && !order.before(row, worst.row))))
        return;
      const bool past = order.cursor_row() && candidate.prefix > floor;
      if (order.has_cursor() && !past && !order.past_cursor(row)) return;
      kept.push_back(candidate);
      if (kept.size() == full) shrink();
    });
  });
  shrink();
  std::sort(kept.begin(), kept.end(), less);
  std::vector<Row> rows;
  rows.reserve(kept.size());
  for (const Candidate& one : kept) rows.push_back(one.row);
  return rows;
}

}  // namespace taskledger::projections
