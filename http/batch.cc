// The batch endpoints: up to 100 records in one commit, all or nothing.
#include "http/errors.h"
#include "http/handlers.h"
#include "http/writes.h"

namespace taskledger::http {
namespace {

Reply results(const commands::Outcome& outcome) {
  std::string body;
  body.reserve(16 + outcome.tasks.size() * 80);
  body = R"({"results":[)";
  for (const auto& task : outcome.tasks) {
    if (&task != &outcome.tasks.front()) body += ',';
    body.append(R"({"task_id":")").append(to_string(task.task)).append(R"(","action":")");
    body.append(commands::name_of(task.action)).append("\"}");
  }
  body += "]}";
  return json_reply(200, std::move(body));
}

Task<Handled> run(Request request, BatchKind kind) {
  auto read = read_write_headers(request, false);
  if (auto* refused = std::get_if<Reply>(&read)) co_return Handled(std::move(*refused));
  auto& headers = std::get<WriteHeaders>(read);
  auto records = parse_batch(kind, request.body, headers.zone);
  if (!records) co_return Handled(reply_of(records.error()));
  commands::CommandHandler::Request command;
  command.caller = request.caller->caller();
  command.records = *std::move(records);
  command.batch = true;
  command.idempotency = std::move(headers.idempotency);
  command.trace = trace_of(request.head);
  const CommandResult result = co_await execute(request.api, std::move(command));
  if (!result) co_return Handled(reply_of(result.error()));
  co_return Handled(results(*result), result->in_workspace);
}

}  // namespace

Task<Handled> batch_create(Request request, std::string body) {
  request.body = body;
  co_return co_await run(request, BatchKind::create);
}
Task<Handled> batch_update(Request request, std::string body) {
  request.body = body;
  co_return co_await run(request, BatchKind::update);
}
Task<Handled> batch_complete(Request request, std::string body) {
  request.body = body;
  co_return co_await run(request, BatchKind::complete);
}
Task<Handled> batch_delete(Request request, std::string body) {
  request.body = body;
  co_return co_await run(request, BatchKind::remove);
}

}  // namespace taskledger::http
