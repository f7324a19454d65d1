// Tests of titles. What cannot hold the text is ruled out by pairs of bytes (pair_set.h) before a title is read.
// Threads: as row_test.h.
#pragma once

#include <string>

#include "core/filter.h"
#include "projections/list/row_test.h"

namespace taskledger::projections {

// The folded title contains the folded text.
[[nodiscard]] RowTestPtr contains_test(const Image& image, const std::string& folded);
// A condition on the title, not negated.
[[nodiscard]] RowTestPtr title_test(const Image& image, const Condition& condition);

}  // namespace taskledger::projections
