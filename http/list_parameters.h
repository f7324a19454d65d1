// What the query parameters of lists and stats mean: values for the read models, and the fingerprint of that meaning
// that binds a cursor to it. Pure but for a small cache of day bounds for each thread; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "core/query.h"
#include "core/result.h"
#include "core/time_zone.h"
#include "http/cursor.h"
#include "http/parameters.h"

namespace taskledger::http {

struct ListRequest {
  ListQuery query;
  std::optional<Timestamp> as_of;  // the list as it was then; query.now is that instant too
  Fingerprint fingerprint{};       // of everything but `limit` and `cursor`
};
// `of_token` is the token's zone. A cursor that does not fit is refused here.
[[nodiscard]] Result<ListRequest> parse_list(std::string_view query, const TimeZone& of_token, Timestamp now,
                                             WorkspaceNumber workspace, const Cursors& cursors);

struct StatsRequest {
  StatsQuery query;
  std::optional<Timestamp> as_of;
};
[[nodiscard]] Result<StatsRequest> parse_stats(std::string_view query, const TimeZone& of_token, const UserId& caller,
                                               Timestamp now);

// `as_of`: an instant, not in the future; a day is its last millisecond, today is now.
[[nodiscard]] Result<std::optional<Timestamp>> parse_as_of(const Parameters& parameters, const TimeZone& zone,
                                                           Timestamp now);

// sort_order.cc: `sort`, or else `sort_by` and `sort_dir`.
[[nodiscard]] Result<SortOrder> parse_sort(std::string_view sort, std::string_view sort_by, std::string_view sort_dir);
// fingerprint.cc: the same for queries that mean the same, however they were spelled.
[[nodiscard]] Fingerprint fingerprint_of(const ListQuery& query, std::string_view zone, std::string_view as_of);

}  // namespace taskledger::http
