#include "projections/image/cells.h"

#include <cstring>

namespace taskledger::projections {

CellSet::CellSet(const FacetFilter& filter) {
  all_ = !filter.completed && !filter.priority && !filter.action_type && !filter.link_type;
  open_ = filter.completed == false && !filter.priority && !filter.action_type && !filter.link_type;
  if (filter.completed) *filter.completed ? from_ = kCompletedCells : to_ = kCompletedCells;
  std::uint16_t narrow[8];
  std::uint32_t wide[8];
  for (unsigned types = 0; types < 8; ++types) {
    const bool in = !filter.link_type || (types >> (static_cast<unsigned>(*filter.link_type) - 1) & 1) != 0;
    narrow[types] = in ? 0xFFFF : 0;
    wide[types] = in ? 0xFFFFFFFF : 0;
  }
  narrow_.fill(0);
  wide_.fill(0);
  for (unsigned start = from_; start < to_; start += 8) {
    const Facets facets = facets_of(static_cast<std::uint16_t>(start));
    if (filter.priority && facets.priority != static_cast<unsigned>(*filter.priority)) continue;
    if (filter.action_type && facets.action_type != static_cast<unsigned>(*filter.action_type)) continue;
    std::memcpy(&narrow_[start], narrow, sizeof narrow);
    std::memcpy(&wide_[start], wide, sizeof wide);
  }
}

namespace {

// The sum of histogram[i] & mask[i] over [from, to), multiples of 32, in lanes of 32 bytes: counting a range is mostly
// this, and at -O2 the compiler would go one by one.
template <class T>
T masked_sum(const T* histogram, const T* mask, unsigned from, unsigned to) {
  constexpr unsigned kLanes = 32 / sizeof(T);
  typedef T Lanes __attribute__((vector_size(32)));
  Lanes sum{};
  for (unsigned i = from; i < to; i += kLanes) {
    Lanes counts, wanted;
    std::memcpy(&counts, histogram + i, sizeof counts);
    std::memcpy(&wanted, mask + i, sizeof wanted);
    sum += counts & wanted;
  }
  T total = 0;
  for (unsigned lane = 0; lane < kLanes; ++lane) total = static_cast<T>(total + sum[lane]);
  return total;
}
static_assert(kCells % 32 == 0 && kCompletedCells % 32 == 0);

}  // namespace

// A leaf has fewer than 65,536 entries: the lanes cannot overflow.
std::uint32_t CellSet::sum(const std::uint16_t* histogram) const {
  return masked_sum(histogram, narrow_.data(), from_, to_);
}

std::uint64_t CellSet::sum(const std::uint32_t* histogram) const {
  return masked_sum(histogram, wide_.data(), from_, to_);
}

}  // namespace taskledger::projections
