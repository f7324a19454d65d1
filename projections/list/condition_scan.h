// Filters over columns: the conditions of a query as tests (row_test.h) of one image's rows, and a scan by them.
// Threads: as row_test.h.
#pragma once

#include <cstdint>
#include <optional>

#include "core/query.h"
#include "projections/list/row_test.h"

namespace taskledger::projections {

[[nodiscard]] RowTestPtr cells_test(const Image& image, const CellSet& set);
[[nodiscard]] RowTestPtr time_test(const Column<std::int64_t>& times, std::int64_t low,
                                   std::int64_t high);  // both included; never null
[[nodiscard]] RowTestPtr user_test(const Image& image, const Column<std::uint32_t>& numbers, std::uint32_t user);
[[nodiscard]] RowTestPtr link_test(const Image& image, std::uint32_t entity, std::optional<EntityType> type);
[[nodiscard]] RowTestPtr filter_test(const Image& image, const FilterGroup& group);

// Keeps of `bits` the rows that pass; returns how many. Large ones are shared with threads that are free.
std::uint64_t keep_passing(const RowTest& test, Bits& bits);

}  // namespace taskledger::projections
