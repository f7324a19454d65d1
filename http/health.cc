// GET /healthz: the process answers. GET /readyz: it can do its work, writes included. Their query is not looked at,
// so that a prober may add what it likes.
#include "http/handlers.h"
#include "http/operator_service.h"

namespace taskledger::http {

std::optional<std::string> why_not_ready(const storage::EventLog& log, const projections::Runner& models) {
  if (const auto failure = log.failure()) return "Writes have stopped: " + *failure;
  if (const auto failure = models.failure()) return "The read models have stopped: " + *failure;
  if (auto trouble = log.trouble()) return trouble;
  if (models.divergence()) return "A read model differs from the log: GET /api/v1/admin/projections says in what";
  return std::nullopt;
}

std::optional<Handled> get_healthz(const Request&) { return json_reply(200, R"({"status":"ok"})"); }

std::optional<Handled> get_readyz(const Request& request) {
  return readiness_reply(why_not_ready(request.api.parts.log, request.api.parts.models));
}

}  // namespace taskledger::http
