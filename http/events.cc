// GET /events: the workspace's log in order. Without filters a page is read on the io thread; with some, the log may
// have to look at more than a page, so a worker does.
#include <array>

#include "commands/task_stream.h"
#include "http/errors.h"
#include "http/event_page.h"
#include "http/handlers.h"
#include "http/parameters.h"

namespace taskledger::http {
namespace {

constexpr std::array<std::string_view, 8> kParameters{"after", "limit", "type",  "task_id",
                                                      "actor", "since", "until", "timezone"};

struct Feed {
  WorkspacePosition after;
  std::uint32_t limit = 20;
  storage::FeedFilter filter;
  bool filtered = false;
};

Result<void> read_times(const Parameters& parameters, const TimeZone& of_token, storage::FeedFilter& filter) {
  auto zone = parameters.zone(of_token);
  if (!zone) return zone.error();
  auto since = parameters.time("since", *zone);
  if (!since) return since.error();
  if (*since) filter.since = (*since)->as_since();
  auto until = parameters.time("until", *zone);
  if (!until) return until.error();
  if (*until) filter.until = (*until)->whole_day ? (*until)->as_until() : (*until)->at;
  return {};
}

Result<Feed> parse(const Request& request) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, kParameters); !parsed) return parsed.error();
  Feed feed;
  auto after = parameters.count("after");
  if (!after) return after.error();
  feed.after.value = after->value_or(0);
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

Handled answer(const Request& request, const Feed& feed) {
  const auto& parts = request.api.parts;
  const auto position = parts.models.position(request.workspace());
  std::string body = R"({"data":[)";
  std::uint32_t count = 0;
  auto next = feed.after;
  bool more = false;
  const auto visit = [&](const storage::Record& record) {
    if (count == feed.limit) {
      more = true;
      return false;
    }
    if (count++ > 0) body += ',';
    append_event(body, record, request.caller->workspace_id);
    next = record.in_workspace;
    return true;
  };
  if (feed.after >= parts.log.workspace_head(request.workspace()).position) {
    body += R"(],"nextAfter":)";
    append_number(body, next.value);
    return {json_reply(200, body + R"(,"hasMore":false})"), position};
  }
  auto read = feed.filtered ? parts.log.read_feed(request.workspace(), feed.after, feed.filter, visit)
                            : parts.log.read_workspace(request.workspace(), feed.after, visit);
  if (!read) return reply_of(read.error());
  body += R"(],"nextAfter":)";
  append_number(body, next.value);
  body += more ? R"(,"hasMore":true})" : R"(,"hasMore":false})";
  return {json_reply(200, std::move(body)), position};
}

}  // namespace

void append_event(std::string& out, const storage::Record& record, const WorkspaceId& workspace,
                  std::string_view extra) {
  const EventHeader header{record.in_workspace,
                           commands::event_id_of(record, workspace),
                           workspace,
                           TaskId{record.stream},
                           record.version,
                           static_cast<EventType>(record.type),
                           record.time,
                           record.actor};
  append_event_line(out, header, record.payload, extra);
}

std::optional<Handled> get_events(const Request& request) {
  auto feed = parse(request);
  if (!feed) return reply_of(feed.error());
  if (feed->filtered) return std::nullopt;
  return answer(request, *feed);
}

Task<Handled> get_events_on_worker(Request request, std::string) {
  std::function<Handled()> job = [request]() -> Handled {
    auto feed = parse(request);
    if (!feed) return reply_of(feed.error());
    return answer(request, *feed);
  };
  co_return co_await on_worker(request.api, std::move(job));
}

}  // namespace taskledger::http
