#include "projections/image/cells.h"

#include <cstring>

namespace taskledger::projections {

CellSet::CellSet(const FacetFilter& filter) {
  all_ = !filter.completed && !filter.priority && !filter.action_type && !filter.link_type;
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

std::uint32_t CellSet::sum(const std::uint16_t* histogram) const {
  std::uint16_t sum = 0;  // a leaf has fewer than 65,536 entries: cannot overflow, and stays in 16-bit lanes
  for (unsigned i = from_; i < to_; ++i) sum = static_cast<std::uint16_t>(sum + (histogram[i] & narrow_[i]));
  return sum;
}

std::uint64_t CellSet::sum(const std::uint32_t* histogram) const {
  std::uint32_t sum = 0;
  for (unsigned i = from_; i < to_; ++i) sum += histogram[i] & wide_[i];
  return sum;
}

}  // namespace taskledger::projections
