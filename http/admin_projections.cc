// GET /admin/projections, and POST of a rebuild or a check of one: asked for here, done by the runner.
#include <fmt/format.h>

#include <utility>

#include "core/text.h"
#include "http/errors.h"
#include "http/handlers.h"
#include "http/parameters.h"
#include "http/writes.h"

namespace taskledger::http {
namespace {

using projections::CheckStatus;
using projections::ProjectionStatus;

std::string_view name_of(CheckStatus::State state) {
  switch (state) {
    case CheckStatus::State::none:
      return "none";
    case CheckStatus::State::waiting:
      return "waiting";
    case CheckStatus::State::running:
      return "running";
    case CheckStatus::State::ok:
      return "ok";
    case CheckStatus::State::different:
      return "different";
    case CheckStatus::State::failed:
      return "failed";
  }
  return "none";
}

void append_check(std::string& out, const CheckStatus& check) {
  if (check.state == CheckStatus::State::none) {
    out += "null";
    return;
  }
  fmt::format_to(std::back_inserter(out), R"({{"state":"{}","position":{},"rows":{},"differences":{},"first":[)",
                 name_of(check.state), check.position.value, check.rows, check.differences);
  for (const std::string& what : check.first) {
    if (out.back() != '[') out += ',';
    append_json_string(out, what);
  }
  out += R"(],"error":)";
  check.failure.empty() ? static_cast<void>(out += "null") : append_json_string(out, check.failure);
  out += '}';
}

void append_status(std::string& out, const ProjectionStatus& status) {
  fmt::format_to(std::back_inserter(out),
                 R"({{"name":"{}","state":"{}","checkpoint":{},"lag":{},"generation":{},"events_per_second":{:.0f},)"
                 R"("progress":{:.3f},"error":)",
                 status.name, status.state, status.checkpoint.value, status.lag, status.generation,
                 status.events_per_second, status.progress);
  status.failure.empty() ? static_cast<void>(out += "null") : append_json_string(out, status.failure);
  out += R"(,"check":)";
  append_check(out, status.check);
  out += '}';
}

std::optional<Reply> refused(const Request& request) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, {}); !parsed) return reply_of(parsed.error());
  return std::nullopt;
}

Handled ask(const Request& request, std::string_view body, bool (projections::Runner::*what)(std::string_view)) {
  if (auto refusal = refused(request)) return *std::move(refusal);
  if (auto refusal = refuse_idempotency_key(request)) return *std::move(refusal);
  if (auto checked = check_no_fields(body); !checked) return reply_of(checked.error());
  projections::Runner& models = request.api.parts.models;
  if (!(models.*what)(request.path[0])) return error_reply(404, "Projection not found");
  std::string answer;
  for (const ProjectionStatus& status : models.status()) {
    if (status.name == request.path[0]) append_status(answer, status);
  }
  return json_reply(202, std::move(answer));
}

}  // namespace

std::optional<Handled> list_projections(const Request& request) {
  if (auto refusal = refused(request)) return *std::move(refusal);
  std::string body = R"({"data":[)";
  for (const ProjectionStatus& status : request.api.parts.models.status()) {
    if (body.back() != '[') body += ',';
    append_status(body, status);
  }
  return json_reply(200, body + "]}");
}

Task<Handled> rebuild_projection(Request request, std::string body) {
  co_return ask(request, body, &projections::Runner::request_rebuild);
}

Task<Handled> check_projection(Request request, std::string body) {
  co_return ask(request, body, &projections::Runner::request_check);
}

}  // namespace taskledger::http
