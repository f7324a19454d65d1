// What all writes of tasks share: their headers and parameters, the way through the command handler, and the wait until
// the read models have passed the write. Coroutines of an io thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "commands/command_handler.h"
#include "core/time_zone.h"
#include "http/handlers.h"
#include "http/parameters.h"

namespace taskledger::http {

// The request's zone, after its query (only `timezone` is known), Idempotency-Key and, where `honours_if_match`,
// If-Match have been checked; or the reply that refuses.
struct WriteHeaders {
  TimeZone zone;
  std::optional<commands::IfMatch> if_match;
  std::optional<commands::IdempotencyKey> idempotency;
};
[[nodiscard]] std::variant<WriteHeaders, Reply> read_write_headers(const Request& request, bool honours_if_match);
// What is kept beside the events; empty for one that is no W3C traceparent by its length.
[[nodiscard]] std::string trace_of(const RequestHead& head);
// 400 for a write that no Idempotency-Key can be given to.
[[nodiscard]] std::optional<Reply> refuse_idempotency_key(const Request& request);

using CommandResult = Result<commands::Outcome, commands::Failure>;
// Appended, durable and visible to every later read when it returns; or failed.
[[nodiscard]] Task<CommandResult> execute(const Api& api, commands::CommandHandler::Request command);

// For a route without a body: an empty one, or `{}`.
[[nodiscard]] Result<void> check_no_fields(std::string_view body);

}  // namespace taskledger::http
