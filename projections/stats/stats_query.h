// The statistics of a user or of the workspace: a few counts of ranges over sequences by due and completion time, each
// O(log tasks), whatever lies in the ranges.
// Threads: under the image's shared lock.
#pragma once

#include "core/query.h"
#include "projections/image/image.h"

namespace taskledger::projections {

[[nodiscard]] Stats answer_stats(const Image& image, const StatsQuery& query);
// The same by looking at every row, of an image that has columns and no sequences (Image::store).
[[nodiscard]] Stats answer_stats_from_columns(const Image& image, const StatsQuery& query);

}  // namespace taskledger::projections
