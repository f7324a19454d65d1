// Walking a sorted sequence in the order that a list wants: forward for ascending; for descending from the end, group
// of equal values by group, each forward, since ties break by id ascending whichever way the field goes; nulls last
// both ways. A group of a million rows costs a search, not a walk over it. Threads: under the image's shared lock.
#pragma once

#include <algorithm>
#include <optional>

#include "projections/image/image.h"
#include "projections/image/keys.h"

namespace taskledger::projections {

struct WalkRange {
  OrderTree::Place low, high;   // of the rows that have a value
  OrderTree::Place nulls, end;  // of those that have none, visited last; empty when left out
};

// What of a sequence is walked, and past which place in the order it begins.
struct Cursor {
  KeyValue value;
  Uuid id;
  bool whole_group = false;  // from the first row of that value on, whatever its id
};

template <class Key>
class OrderWalk {
 public:
  using Place = OrderTree::Place;
  // `set`: only rows of these cells, for a sequence that counts by cells; otherwise the visitor looks for itself.
  OrderWalk(const Image& image, const OrderTree& tree, const Key& key, const CellSet* set)
      : image_(image), tree_(tree), key_(key), set_(set) {}

  // visit(row) -> bool; false stops.
  template <class Visit>
  void run(const WalkRange& range, bool descending, const Cursor* after, const Visit& visit) const {
    if (descending) return run_descending(range, after, visit);
    Place from = range.low, nulls = range.nulls;
    if (after != nullptr) {
      const Place past = past_cursor(*after);
      from = std::max(from, past);
      nulls = std::max(nulls, past);
    }
    if (from < range.high && !forward(from, range.high, visit)) return;
    if (nulls < range.end) forward(nulls, range.end, visit);
  }

 private:
  [[nodiscard]] Place past_cursor(const Cursor& after) const {
    return tree_.partition(Key::prefix(after.value), [&](Row row) {
      const auto order = key_.compare(row, after.value);
      return order < 0 || (order == 0 && !after.whole_group && !uuid_less(after.id, image_.id[row]));
    });
  }

  template <class Visit>
  bool forward(Place from, Place to, const Visit& visit) const {
    if (set_ != nullptr) return tree_.each(from, to, *set_, image_.cell.data(), visit) == to;
    for (; from < to; tree_.advance(from)) {
      if (!visit(tree_.row(from))) return false;
    }
    return true;
  }

  template <class Visit>
  void run_descending(const WalkRange& range, const Cursor* after, const Visit& visit) const {
    Place boundary = range.high, nulls = range.nulls;
    if (after != nullptr) {
      const Place past = past_cursor(*after);
      if (after->value.null) {
        boundary = range.low;
        nulls = std::max(nulls, past);
      } else {  // what is left of the cursor's group, then the groups below it
        const Place group_end = greater(tree_, key_, after->value);
        boundary = not_less(tree_, key_, after->value);
        const Place from = std::max(past, range.low), to = std::min(group_end, range.high);
        if (from < to && !forward(from, to, visit)) return;
        boundary = std::min(boundary, range.high);
      }
    }
    while (boundary > range.low) {
      Place last = boundary;
      tree_.retreat(last);
      if (boundary.at == 0 && set_ != nullptr && tree_.barren(last, *set_)) {
        boundary = {last.block, last.leaf, 0};
        continue;
      }
      const Place start = group_start(last, range.low);
      if (!forward(start, boundary, visit)) return;
      boundary = start;
    }
    if (nulls < range.end) forward(nulls, range.end, visit);
  }

  [[nodiscard]] Place group_start(Place last, Place low) const {
    const Row of_group = tree_.row(last);
    Place start = last;
    for (int steps = 0; steps < 6; ++steps) {
      if (start <= low) return low;
      Place before = start;
      tree_.retreat(before);
      if (key_.compare(tree_.row(before), of_group) != 0) return start;
      start = before;
    }
    return std::max(low,
                    tree_.partition(key_.prefix(of_group), [&](Row row) { return key_.compare(row, of_group) < 0; }));
  }

  const Image& image_;
  const OrderTree& tree_;
  Key key_;
  const CellSet* set_;
};

}  // namespace taskledger::projections
