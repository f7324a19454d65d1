// The statistics of a user or of the workspace: a few counts of ranges over sequences by due and completion time, each
// O(log tasks), whatever lies in the ranges. Each thread remembers the last ones it worked out, for those who ask again
// while they hold: programs poll.
// Threads: under the image's shared lock.
#pragma once

#include "core/query.h"
#include "projections/image/image.h"
#include "projections/validity.h"

namespace taskledger::projections {

[[nodiscard]] Stats answer_stats(const Image& image, const StatsQuery& query);
// The same worked out, whatever is remembered.
[[nodiscard]] Stats count_stats(const Image& image, const StatsQuery& query, Validity& validity);
// The same by looking at every row, of an image that has columns and no sequences (Image::store).
[[nodiscard]] Stats answer_stats_from_columns(const Image& image, const StatsQuery& query);

}  // namespace taskledger::projections
