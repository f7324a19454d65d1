// GET /events: the workspace's log in order. Without filters a page is read on the io thread; with some, the log may
// have to look at more than a page, so a worker does.
#include <array>

#include "commands/task_stream.h"
#include "http/errors.h"
#include "http/event_page.h"
#include "http/feed_query.h"

namespace taskledger::http {
namespace {

constexpr std::array<std::string_view, 8> kParameters{"after", "limit", "type",  "task_id",
                                                      "actor", "since", "until", "timezone"};

Handled answer(const Request& request, const FeedQuery& feed) {
  const auto& parts = request.api.parts;
  const auto position = parts.models.position(request.workspace());
  std::string body = R"({"data":[)";
  std::uint32_t count = 0;
  const auto after = feed.after.value_or(WorkspacePosition{});
  auto next = after;
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
  if (after >= parts.log.workspace_head(request.workspace()).position) {
    body += R"(],"nextAfter":)";
    append_number(body, next.value);
    return {json_reply(200, body + R"(,"hasMore":false})"), position};
  }
  auto read = feed.filtered ? parts.log.read_feed(request.workspace(), after, feed.filter, visit)
                            : parts.log.read_workspace(request.workspace(), after, visit);
  if (!read) return reply_of(read.error());
  body += R"(],"nextAfter":)";
  append_number(body, next.value);
  body += more ? R"(,"hasMore":true})" : R"(,"hasMore":false})";
  return {json_reply(200, std::move(body)), position};
}

}  // namespace

void append_event(std::string& out, const storage::Record& record, const WorkspaceId& workspace,
                  std::string_view extra) {
  const EventHeader header{
      record.in_workspace, commands::event_id_of(record, workspace), workspace,   TaskId{record.stream},
      record.version,      static_cast<EventType>(record.type),      record.time, record.actor};
  append_event_line(out, header, record.payload, extra);
}

std::optional<Handled> get_events(const Request& request) {
  auto feed = parse_feed_query(request, kParameters);
  if (!feed) return reply_of(feed.error());
  if (feed->filtered) return std::nullopt;
  return answer(request, *feed);
}

Task<Handled> get_events_on_worker(Request request, std::string) {
  std::function<Handled()> job = [request]() -> Handled {
    auto feed = parse_feed_query(request, kParameters);
    if (!feed) return reply_of(feed.error());
    return answer(request, *feed);
  };
  co_return co_await on_worker(request.api, std::move(job));
}

}  // namespace taskledger::http
