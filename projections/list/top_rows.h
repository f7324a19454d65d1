// The first few rows of any order among candidates given in any order: a bounded buffer with a threshold on one number
// for each row (the first key's prefix), so that most candidates cost a load and a comparison.
// Threads: one query's own, under the image's shared lock.
#pragma once

#include <algorithm>
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
  [[nodiscard]] const SortKey& first() const { return order_[0]; }
  [[nodiscard]] const Image& image() const { return image_; }
  [[nodiscard]] SortPosition position_of(Row row) const;

 private:
  const Image& image_;
  const SortOrder& order_;
  bool has_cursor_;
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
  std::uint64_t threshold = std::numeric_limits<std::uint64_t>::max();
  const auto less = [&](const Candidate& a, const Candidate& b) { return a.prefix < b.prefix || (a.prefix == b.prefix && order.before(a.row, b.row)); };
  const auto shrink = [&] {
    if (kept.size() <= limit) return;
    std::nth_element(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(limit) - 1, kept.end(), less);
    kept.resize(limit);
    threshold = kept.back().prefix;
  };
  const bool descending = order.first().descending;
  with_key(order.image(), order.first().field, [&](const auto& key) {
    produce([&](Row row) {
      std::uint64_t prefix = std::numeric_limits<std::uint64_t>::max();
      if (!key.null(row)) prefix = descending ? ~key.prefix(row) : key.prefix(row);
      if (prefix > threshold) return;
      if (order.has_cursor() && !order.past_cursor(row)) return;
      kept.push_back({prefix, row});
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
