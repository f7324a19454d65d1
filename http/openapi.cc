// GET /openapi.json: the description of this API, as it stands in http/openapi/openapi.json.
#include "http/embedded.h"
#include "http/handlers.h"
#include "http/static_document.h"

namespace taskledger::http {

std::optional<Handled> get_openapi(const Request& request) {
  static const StaticDocument document(embedded::openapi_json, "application/json");
  return document.reply(request.head);
}

}  // namespace taskledger::http
