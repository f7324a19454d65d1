// The list: pages and exact totals over an image. How a query is answered depends on how many tasks match, which is
// known before one is looked at wherever facets, an assignee or a linked entity are all that is asked for.
//
//   only facets, mode, assignee or entity   total: sums over a sequence by due time; page: a walk from the cursor
//   assignee and entity together            the smaller of the two sequences is filtered by the other
//   filters, search                         columns are scanned into bits, then as below
//   the page, in another order than due     a walk over that order when matches are dense in it, else the smallest of
//                                           all matches; about sqrt(tasks * limit) steps at worst where they spread
//                                           evenly
//
// Threads: under the image's shared lock.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/query.h"
#include "projections/image/image.h"
#include "projections/list/rendered_rows.h"
#include "projections/read_models.h"
#include "projections/validity.h"

namespace taskledger::projections {

// Of Image::changed(), the last value at which a task that the query could match has changed; nullopt: it names a user
// or an entity that no task has.
[[nodiscard]] std::optional<std::uint64_t> changed_for(const Image& image, const ListQuery& query);

// All but the position. `rows`: of an earlier answer to the query, or null; becomes this one's, or stays where no task
// matches.
[[nodiscard]] ListPage answer_list(const Image& image, const ListQuery& query, Validity& validity,
                                   RenderedRowsPtr& rows);
// The same if it takes microseconds; nullopt: it may take milliseconds, growing with the workspace.
[[nodiscard]] std::optional<ListPage> answer_list_at_once(const Image& image, const ListQuery& query,
                                                          Validity& validity, RenderedRowsPtr& rows);
// The same, of an image that has columns and no sequences (Image::store): always a scan, milliseconds a million tasks.
[[nodiscard]] ListPage answer_list_from_columns(const Image& image, const ListQuery& query);
// The page's rows alone, one more than `limit` where more follow; `total` becomes the number of all matches.
[[nodiscard]] std::vector<Row> rows_from_columns(const Image& image, const ListQuery& query, std::uint64_t& total);

}  // namespace taskledger::projections
