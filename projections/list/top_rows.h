// The first few rows of any order among candidates given in any order: a bounded buffer with a threshold on one number
// for each row (the first key's prefix), so that most candidates cost a load and a comparison.
// Threads: as said; all under the image's shared lock.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <type_traits>
#include <vector>

#include "core/query.h"
#include "projections/image/image.h"
#include "projections/image/keys.h"
#include "projections/list/shared_work.h"

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

// The first `limit` rows past the cursor of those offered, kept by one thread; prefix_of is RowOrder::with_prefix()'s.
template <class PrefixOf>
class TopRows {
 public:
  TopRows(const RowOrder& order, std::size_t limit, const PrefixOf& prefix_of)
      : order_(order),
        limit_(limit),
        prefix_of_(prefix_of),
        floor_(order.cursor_row() ? prefix_of(*order.cursor_row()) : 0) {
    kept_.reserve(limit * 8 + 64);
  }

  void offer(Row row) {
    const Candidate candidate{prefix_of_(row), row};
    if (candidate.prefix < floor_) return;  // before the cursor
    if (bounded_ &&
        (candidate.prefix > worst_.prefix || (candidate.prefix == worst_.prefix && !order_.before(row, worst_.row))))
      return;
    const bool past = order_.cursor_row() && candidate.prefix > floor_;
    if (order_.has_cursor() && !past && !order_.past_cursor(row)) return;
    kept_.push_back(candidate);
    if (kept_.size() == kept_.capacity()) shrink();
  }
  void offer(const TopRows& others) {
    for (const Candidate& one : others.kept_) offer(one.row);
  }
  [[nodiscard]] std::vector<Row> take() {
    shrink();
    std::sort(kept_.begin(), kept_.end(), less());
    std::vector<Row> rows;
    rows.reserve(kept_.size());
    for (const Candidate& one : kept_) rows.push_back(one.row);
    return rows;
  }

 private:
  struct Candidate {
    std::uint64_t prefix;
    Row row;
  };
  [[nodiscard]] auto less() const {
    return [this](const Candidate& a, const Candidate& b) {
      return a.prefix < b.prefix || (a.prefix == b.prefix && order_.before(a.row, b.row));
    };
  }
  void shrink() {
    if (kept_.size() <= limit_) return;
    std::nth_element(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(limit_) - 1, kept_.end(), less());
    kept_.resize(limit_);
    worst_ = kept_.back();
    bounded_ = true;
  }

  const RowOrder& order_;
  const std::size_t limit_;
  const PrefixOf& prefix_of_;
  const std::uint64_t floor_;
  std::vector<Candidate> kept_;
  bool bounded_ = false;
  Candidate worst_{};  // the last one wanted so far, once there are enough
};

// Calls produce(part, offer) for each part below `parts`, where there are several perhaps on several threads;
// offer(row) for each candidate. Returns the first `limit` past the cursor, in order.
template <class Produce>
std::vector<Row> top_rows(const RowOrder& order, std::size_t limit, std::size_t parts, const Produce& produce) {
  std::vector<Row> rows;
  order.with_prefix([&](const auto& prefix_of) {
    using Top = TopRows<std::decay_t<decltype(prefix_of)>>;
    const auto one = [&](std::size_t part, Top& top) { produce(part, [&](Row row) { top.offer(row); }); };
    Top top(order, limit, prefix_of);
    if (parts == 1) {
      one(0, top);
    } else {
      std::mutex mutex;
      share_work(parts, [&](std::size_t part) {
        Top own(order, limit, prefix_of);
        one(part, own);
        const std::lock_guard lock(mutex);
        top.offer(own);
      });
    }
    rows = top.take();
  });
  return rows;
}

}  // namespace taskledger::projections
