// How long an answer of the read models is the answer.
#pragma once

#include <cstdint>
#include <limits>

#include "core/ids.h"
#include "projections/image/image.h"

namespace taskledger::projections {

// Until a task changes that the query could match, and while `now` stays between the due times around it.
struct Validity {
  std::uint64_t changed = 0;  // of Image::changed(), the last value at which such a task has changed
  std::int64_t after = std::numeric_limits<std::int64_t>::min(), until = kNoTime;  // `now` in (after, until], ms

  [[nodiscard]] bool holds(std::uint64_t changed_now, Timestamp now) const {
    return changed == changed_now && after < now.ms && now.ms <= until;
  }
  // `place`: in a sequence by due time, the first that is due at `now` or after.
  void limit_to_due_times_around(const Image& image, const OrderTree& by_due, OrderTree::Place place) {
    if (place != by_due.end()) until = image.due[by_due.row(place)];
    if (place == by_due.begin()) return;
    by_due.retreat(place);
    after = image.due[by_due.row(place)];
  }
};

}  // namespace taskledger::projections
