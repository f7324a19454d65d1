// GET /me: what the caller's token says.
#include "http/errors.h"
#include "http/handlers.h"
#include "http/parameters.h"

namespace taskledger::http {

std::optional<Handled> get_me(const Request& request) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, {}); !parsed) return reply_of(parsed.error());
  return json_reply(200, request.caller->me);
}

}  // namespace taskledger::http
