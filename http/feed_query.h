// What a caller asks of the feed, from the query of GET /events and GET /events/stream. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/result.h"
#include "http/handlers.h"
#include "storage/event_log.h"

namespace taskledger::http {

struct FeedQuery {
  std::optional<WorkspacePosition> after;
  std::uint32_t limit = 20;
  storage::FeedFilter filter;
  bool filtered = false;
};

// `known`: the parameters of this route. Errors name the parameter.
[[nodiscard]] Result<FeedQuery> parse_feed_query(const Request& request, std::span<const std::string_view> known);

}  // namespace taskledger::http
