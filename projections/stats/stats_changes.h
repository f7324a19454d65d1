// From changes of tasks to rows of `stats`: differences are counted first, then added to what the store holds.
// Threads: one, that which writes rows.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <unordered_map>

#include "projections/stats/stats_row.h"
#include "storage/view_store.h"

namespace taskledger::projections {

// Names a row; see stats_row.h.
struct StatsCounter {
  static constexpr std::uint32_t kTotal = 0xFFFFFFFF;  // instead of a day
  WorkspaceNumber workspace;
  bool nobody = false;
  Uuid user;
  std::uint32_t day = kTotal;
  friend bool operator==(const StatsCounter&, const StatsCounter&) = default;
};
struct HashOfStatsCounter {
  std::size_t operator()(const StatsCounter& of) const {
    const std::size_t place = (std::size_t{of.workspace.value} << 33 | std::size_t{of.day} << 1 | of.nobody);
    return std::hash<Uuid>{}(of.user) ^ place * 0x9e3779b97f4a7c15ull;
  }
};
// The counts of the row, or differences to them (modulo 2^32), in its order; a total has two.
using StatsCounts = std::unordered_map<StatsCounter, std::array<std::uint32_t, 3>, HashOfStatsCounter>;

// `user` null: nobody.
[[nodiscard]] StatsCounter stats_counter(WorkspaceNumber workspace, const Uuid* user,
                                         std::uint32_t day = StatsCounter::kTotal);

// The rows of one generation as they were last written, the busy ones of them: most counters change again and again,
// and need not be read to be added to. Memory: about 80 bytes each, 16 MB at most.
class WrittenStats {
 public:
  // The rows after `differences`, in no order. ReadError: the store cannot be read or a row of it is damaged.
  Result<storage::RowChanges, storage::ReadError> add(const StatsCounts& differences, const storage::ViewStore& views,
                                                      std::uint64_t generation);
  // To be called when rows that add() gave, or was to give, will not be written.
  void forget() { counts_.clear(); }

 private:
  std::uint64_t generation_ = 0;
  StatsCounts counts_;
};

}  // namespace taskledger::projections
