#include "http/feed_query.h"

#include "http/parameters.h"

namespace taskledger::http {
namespace {

Result<void> read_times(const Parameters& parameters, const TimeZone& of_token, storage::FeedFilter& filter) {
  auto zone = parameters.zone(of_token);
  if (!zone) return zone.error();
  auto since = parameters.time("since", *zone);
  if (!since) return since.error();
  if (*since) filter.since = (*since)->as_since();
  auto until = parameters.time("until", *zone);
  if (!until) return until.error();
  if (*until) filter.until = (*until)->as_until();
  return {};
}

}  // namespace

Result<FeedQuery> parse_feed_query(const Request& request, std::span<const std::string_view> known) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, known); !parsed) return parsed.error();
  FeedQuery feed;
  auto after = parameters.count("after");
  if (!after) return after.error();
  if (*after) feed.after = WorkspacePosition{**after};
  auto limit = parameters.limit();
  if (!limit) return limit.error();
  feed.limit = *limit;
  if (const auto type = parameters["type"]; !type.empty()) {
    const auto parsed = parse_event_type(type);
    if (!parsed) return not_one_of("type", kEventTypeNames);
    feed.filter.type = static_cast<std::uint8_t>(*parsed);
  }
  auto task = parameters.uuid("task_id");
  if (!task) return task.error();
  feed.filter.stream = *task;
  auto actor = parameters.uuid("actor");
  if (!actor) return actor.error();
  if (*actor) feed.filter.actor = UserId{**actor};
  if (auto times = read_times(parameters, request.caller->token.zone, feed.filter); !times) return times.error();
  const auto& f = feed.filter;
  feed.filtered = f.type || f.stream || f.actor || f.since || f.until;
  return feed;
}

}  // namespace taskledger::http
