// GET /audit/head: the signed head of the workspace's own chain, for auditors to keep.
#include "http/errors.h"
#include "http/handlers.h"
#include "http/parameters.h"

namespace taskledger::http {

std::optional<Handled> get_audit_head(const Request& request) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, {}); !parsed) return reply_of(parsed.error());
  const auto position =
      request.api.parts.models.position(request.workspace());  // before the head, which it is not beyond
  const auto head = request.api.parts.log.workspace_head(request.workspace());
  std::string body = R"({"position":)";
  append_number(body, head.position.value);
  body.append(R"(,"hash":")").append(storage::to_hex(head.hash)).append(R"(","time":")").append(to_rfc3339(head.time));
  body.append(R"(","signature":")").append(request.api.signer.sign(request.caller->workspace_id, head));
  body.append(R"(","key_id":")").append(request.api.signer.key_id()).append("\"}");
  return Handled(json_reply(200, std::move(body)), position);
}

}  // namespace taskledger::http
