// The facets of a task that queries count and filter by, as one small number (its cell): completed x priority x action
// type x the set of types among its links; and sets of cells, as masks for summing histograms and testing rows.
//
//   cell := completed * 192 + priority (0: none) * 48 + action type (0: none) * 8 + link types (bit t-1: entity type t)
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/task.h"
#include "projections/image/prefetch.h"

namespace taskledger::projections {

inline constexpr unsigned kCells = 384, kCompletedCells = 192;

struct Facets {
  bool completed = false;
  std::uint8_t priority = 0, action_type = 0, link_types = 0;
};
[[nodiscard]] constexpr bool is_open(std::uint16_t cell) { return cell < kCompletedCells; }
[[nodiscard]] constexpr std::uint16_t cell_of(const Facets& facets) {
  return static_cast<std::uint16_t>((facets.completed ? kCompletedCells : 0) + facets.priority * 48 +
                                    facets.action_type * 8 + facets.link_types);
}
[[nodiscard]] constexpr Facets facets_of(std::uint16_t cell) {
  return {cell >= kCompletedCells, static_cast<std::uint8_t>(cell % kCompletedCells / 48),
          static_cast<std::uint8_t>(cell % 48 / 8), static_cast<std::uint8_t>(cell % 8)};
}

[[nodiscard]] inline Facets facets_of(const Task& task) {
  Facets facets;
  facets.completed = task.is_completed();
  facets.priority = task.fields.priority ? static_cast<std::uint8_t>(*task.fields.priority) : 0;
  facets.action_type = task.fields.action_type ? static_cast<std::uint8_t>(*task.fields.action_type) : 0;
  for (const Link& link : task.fields.links)
    facets.link_types |= static_cast<std::uint8_t>(1u << (static_cast<unsigned>(link.type) - 1));
  return facets;
}

// What a query wants of the facets: absent is any.
struct FacetFilter {
  std::optional<bool> completed;
  std::optional<Priority> priority;
  std::optional<ActionType> action_type;
  std::optional<EntityType> link_type;
};

// A set of cells. `from` and `to` bound it.
class CellSet {
 public:
  CellSet() : CellSet(FacetFilter{}) {}
  explicit CellSet(const FacetFilter& filter);
  [[nodiscard]] bool all() const { return all_; }
  // Exactly the cells that are not completed: what is asked for most, and counted beside the histograms.
  [[nodiscard]] bool open() const { return open_; }
  [[nodiscard]] bool has(std::uint16_t cell) const { return wide_[cell] != 0; }
  // The counts of the set's cells in a histogram, together.
  [[nodiscard]] std::uint32_t sum(const std::uint16_t* histogram) const;  // the sum is below 65,536
  [[nodiscard]] std::uint64_t sum(const std::uint32_t* histogram) const;  // the sum is below 2^32
  // Has the processor fetch what sum() will look at.
  TASKLEDGER_INLINED void prefetch(const std::uint16_t* histogram) const {
    for (unsigned i = from_; i < to_; i += 64 / sizeof *histogram) prefetch_line(histogram + i);
  }

 private:
  bool all_ = false, open_ = false;
  unsigned from_ = 0, to_ = kCells;
  alignas(64) std::array<std::uint16_t, kCells> narrow_;
  alignas(64) std::array<std::uint32_t, kCells> wide_;
};

}  // namespace taskledger::projections
