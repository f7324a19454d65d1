// GET /healthz: the process answers. GET /readyz: it can do its work, writes included. Their query is not looked at,
// so that a prober may add what it likes.
#include "http/errors.h"
#include "http/handlers.h"

namespace taskledger::http {

std::optional<Handled> get_healthz(const Request&) { return json_reply(200, R"({"status":"ok"})"); }

std::optional<Handled> get_readyz(const Request& request) {
  if (const auto failure = request.api.parts.log.failure()) {
    return error_reply(503, "Writes have stopped: " + *failure);
  }
  if (const auto failure = request.api.parts.models.failure()) {
    return error_reply(503, "The read models have stopped: " + *failure);
  }
  if (request.api.parts.models.divergence()) {
    return error_reply(503, "A read model differs from the log: GET /api/v1/admin/projections says in what");
  }
  return json_reply(200, R"({"status":"ok"})");
}

}  // namespace taskledger::http
