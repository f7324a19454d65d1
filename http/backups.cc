// POST /admin/backups: a backup of the log while writes go on. A worker waits for it.
#include <spdlog/spdlog.h>

#include "core/text.h"
#include "http/errors.h"
#include "http/handlers.h"
#include "http/parameters.h"
#include "http/writes.h"

namespace taskledger::http {
namespace {

Handled back_up(const ApiParts& parts) {
  const auto made = parts.back_up();
  if (!made) {
    spdlog::error("backup failed: {}", made.error().what);
    return error_reply(503, "Backup could not be made: see the server's log");
  }
  std::string body = R"({"id":")" + made->id + R"(","position":)";
  append_number(body, made->position.value);
  body += R"(,"path":)";
  append_json_string(body, made->path.string());
  return json_reply(201, body + '}');
}

}  // namespace

Task<Handled> create_backup(Request request, std::string body) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, {}); !parsed) co_return Handled(reply_of(parsed.error()));
  if (auto refusal = refuse_idempotency_key(request)) co_return Handled(*std::move(refusal));
  if (auto checked = check_no_fields(body); !checked) co_return Handled(reply_of(checked.error()));
  if (!request.api.parts.back_up)
    co_return Handled(error_reply(409, "Server has no place for backups: start it with --backup-dir"));
  std::function<Handled()> job = [request] { return back_up(request.api.parts); };
  auto handled = co_await on_worker(request.api, std::move(job));
  co_return handled;
}

}  // namespace taskledger::http
