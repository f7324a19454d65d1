// GET /metrics on the main listener: there only where the composition root has put it (loopback). Its query is not
// looked at. Reading the stores' figures may touch files: on a worker.
#include "http/errors.h"
#include "http/handlers.h"
#include "http/operator_service.h"

namespace taskledger::http {

Task<Handled> get_metrics(Request request, std::string) {
  const auto& scrape = request.api.parts.scrape;
  if (!scrape) co_return unknown_route();
  std::function<Handled()> job = [&scrape] { return Handled(metrics_reply(scrape())); };
  co_return co_await on_worker(request.api, std::move(job));
}

}  // namespace taskledger::http
