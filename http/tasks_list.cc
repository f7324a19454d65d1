// GET /tasks.
#include "http/errors.h"
#include "http/handlers.h"
#include "http/list_parameters.h"

namespace taskledger::http {
namespace {

Result<ListRequest> parse(const Request& request) {
  return parse_list(request.query, request.caller->token.zone, request.now(), request.workspace(),
                    request.api.cursors);
}

Handled answer(const Request& request, const ListRequest& list) {
  auto page = request.api.parts.models.list(request.workspace(), list.query);
  if (!page) return reply_of(page.error());
  std::string body;
  body.reserve(page->rows.size() + 256);
  body.append(R"({"data":[)").append(page->rows).append(R"(],"total":)");
  append_number(body, page->total);
  body += R"(,"nextCursor":)";
  if (page->next) {
    body += '"';
    request.api.cursors.append(body, request.workspace(), list.fingerprint, {list.query.now, *std::move(page->next)});
    body += '"';
  } else {
    body += "null";
  }
  body += '}';
  return {json_reply(200, std::move(body)), page->position};
}

// The read models know the present; lists and stats of the past are for a read model of their own.
Handled past_unavailable() { return error_reply(503, "Parameter 'as_of' is not available here yet"); }

}  // namespace

std::optional<Handled> list_tasks(const Request& request) {
  auto list = parse(request);
  if (!list) return reply_of(list.error());
  if (list->as_of) return past_unavailable();
  if (request.api.parts.models.cost(request.workspace(), list->query) == projections::Cost::scan) return std::nullopt;
  return answer(request, *list);
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
  auto stats = parse_stats(request.query, request.caller->token.zone, request.caller->token.user, request.now());
  if (!stats) return reply_of(stats.error());
  if (stats->as_of) return past_unavailable();
  auto found = request.api.parts.models.stats(request.workspace(), stats->query);
  if (!found) return reply_of(found.error());
  std::string body;
  append_stats_json(body, found->stats);
  return Handled(json_reply(200, std::move(body)), found->position);
}

}  // namespace taskledger::http
