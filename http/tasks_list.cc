// GET /tasks and /tasks/stats: as they are, quickly; as they were, on a worker.
#include "http/errors.h"
#include "http/handlers.h"
#include "http/list_parameters.h"
#include "projections/past/past_reads.h"

namespace taskledger::http {
namespace {

Result<ListRequest> parse(const Request& request) {
  return parse_list(request.query, request.caller->token.zone, request.now(), request.workspace(), request.api.cursors);
}

Handled page_reply(const Request& request, const ListRequest& list, projections::ListPage page) {
  constexpr std::string_view kBegin = R"({"data":[)";
  std::string body;
  body.reserve(512);
  body.append(kBegin).append(R"(],"total":)");
  append_number(body, page.total);
  body += R"(,"nextCursor":)";
  if (page.next) {
    body += '"';
    request.api.cursors.append(body, request.workspace(), list.fingerprint, {list.query.now, *std::move(page.next)});
    body += '"';
  } else {
    body += "null";
  }
  body += '}';
  Reply reply = json_reply(200, std::move(body));
  reply.shared = std::move(page.rows);
  reply.shared_at = kBegin.size();
  return {std::move(reply), page.position};
}

Handled answer(const Request& request, const ListRequest& list) {
  const auto& parts = request.api.parts;
  auto page = list.as_of ? parts.past->list(request.workspace(), list.query)
                         : parts.models.list(request.workspace(), list.query);
  return page ? page_reply(request, list, *std::move(page)) : reply_of(page.error());
}

Result<StatsRequest> parse_of_stats(const Request& request) {
  return parse_stats(request.query, request.caller->token.zone, request.caller->token.user, request.now());
}

Handled answer(const Request& request, const StatsRequest& stats) {
  const auto& parts = request.api.parts;
  auto found = stats.as_of ? parts.past->stats(request.workspace(), stats.query)
                           : parts.models.stats(request.workspace(), stats.query);
  if (!found) return reply_of(found.error());
  std::string body;
  append_stats_json(body, found->stats);
  return Handled(json_reply(200, std::move(body)), found->position);
}

// Without a read model of the past (tests of other things).
Handled past_unavailable() { return error_reply(503, "Parameter 'as_of' is not available here"); }

}  // namespace

std::optional<Handled> list_tasks(const Request& request) {
  auto list = parse(request);
  if (!list) return reply_of(list.error());
  if (list->as_of && !request.api.parts.past) return past_unavailable();
  if (list->as_of) return std::nullopt;
  auto page = request.api.parts.models.list_at_once(request.workspace(), list->query);
  if (!page) return std::nullopt;
  return page_reply(request, *list, *std::move(page));
}

Task<Handled> list_tasks_on_worker(Request request, std::string) {
  std::function<Handled()> job = [request]() -> Handled {
    auto list = parse(request);
    if (!list) return reply_of(list.error());
    return answer(request, *list);
  };
  co_return co_await on_worker(request.api, std::move(job));
}

std::optional<Handled> get_stats(const Request& request) {
  auto stats = parse_of_stats(request);
  if (!stats) return reply_of(stats.error());
  if (stats->as_of && !request.api.parts.past) return past_unavailable();
  if (stats->as_of || !request.api.parts.models.is_loaded(request.workspace())) return std::nullopt;
  return answer(request, *stats);
}

Task<Handled> get_stats_on_worker(Request request, std::string) {
  std::function<Handled()> job = [request]() -> Handled {
    auto stats = parse_of_stats(request);
    if (!stats) return reply_of(stats.error());
    return answer(request, *stats);
  };
  co_return co_await on_worker(request.api, std::move(job));
}

}  // namespace taskledger::http
