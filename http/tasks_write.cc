// The writes of one task: POST /tasks, and PUT, complete, DELETE, restore, undo and erase of /tasks/{id}.
#include "http/async_call.h"
#include "http/errors.h"
#include "http/handlers.h"
#include "http/writes.h"

namespace taskledger::http {
namespace {

constexpr std::string_view kTasksPath = "/api/v1/tasks/";

// {"task_id": …, "action": …} with its tag; undo names its event besides.
Handled with_body(unsigned status, const commands::Outcome& outcome) {
  const auto& task = outcome.tasks.front();
  Reply reply;
  reply.status = status;
  reply.body.reserve(128);
  reply.body += R"({"task_id":")";
  append_uuid(reply.body, task.task.value);
  reply.body += R"(","action":")";
  reply.body.append(commands::name_of(task.action)).append("\"");
  if (task.action == commands::Action::undone) {
    reply.body += R"(,"event_id":)";
    reply.body += task.event ? '"' + to_string(*task.event) + '"' : "null";
  }
  reply.body += '}';
  reply.headers.reserve(128);
  append_etag(reply.headers, task.version);
  if (status == 201) {
    reply.headers.append("Location: ").append(kTasksPath);
    append_uuid(reply.headers, task.task.value);
    reply.headers += "\r\n";
  }
  return {std::move(reply), outcome.in_workspace};
}

enum class Shape { created, updated, empty };

Handled answer_of(Shape shape, const CommandResult& result) {
  if (!result) return reply_of(result.error());
  if (shape == Shape::empty) return Handled(no_content(), result->in_workspace);
  return with_body(shape == Shape::created ? 201 : 200, *result);
}

// Headers and parameters, then the body (read by `parse`, given the zone), then the task's id: the contract's order.
// Without records: the id in the path is none.
template <class Parse>
std::variant<commands::CommandHandler::Request, Reply> prepare(const Request& request, bool creates,
                                                               const Parse& parse) {
  auto read = read_write_headers(request, !creates);
  if (auto* refused = std::get_if<Reply>(&read)) return std::move(*refused);
  auto& headers = std::get<WriteHeaders>(read);
  auto parsed = parse(request.body, headers.zone);
  if (!parsed) return reply_of(parsed.error());
  commands::CommandHandler::Request command;
  command.caller = request.caller->caller();
  command.if_match = std::move(headers.if_match);
  command.idempotency = std::move(headers.idempotency);
  const auto id = creates ? std::nullopt : parse_uuid(request.path[0]);
  if (!creates && !id) return command;
  command.records.push_back({id ? std::optional(TaskId{*id}) : std::nullopt, TaskCommand(*std::move(parsed))});
  command.trace = trace_of(request.head);
  return command;
}

// Of a write to a task that no id can name: a kept idempotency key goes before.
Task<CommandResult> no_such_task(const Request& request, std::optional<commands::IdempotencyKey> key) {
  commands::CommandHandler::SystemRequest command{
      request.caller->caller(), std::move(key), [] {
        return Result<storage::Commit, commands::Failure>(commands::Failure{Refusal::not_found, std::nullopt});
      }};
  auto initiate = [&commands = request.api.parts.commands, command = std::move(command)](auto done) mutable {
    commands.append(std::move(command), [done = std::move(done)](CommandResult result) {
      if (result) result = commands::Failure{Refusal::not_found, std::nullopt};
      done(std::move(result));
    });
  };
  return resume_here<CommandResult>(std::move(initiate));
}

// One coroutine for all of it: each costs an allocation larger than malloc keeps at hand. `body` lives in it, and
// `request.body` views it until the answer is there.
template <class Parse>
Task<Handled> write(Request request, std::string body, Shape shape, Parse parse) {
  request.body = body;
  auto prepared = prepare(request, shape == Shape::created, parse);
  if (auto* refused = std::get_if<Reply>(&prepared)) co_return Handled(std::move(*refused));
  auto& command = std::get<commands::CommandHandler::Request>(prepared);
  auto under_way = command.records.empty() ? no_such_task(request, std::move(command.idempotency))
                                           : execute(request.api, std::move(command));
  const CommandResult result = co_await std::move(under_way);
  co_return answer_of(shape, result);
}

// Of a command without fields.
template <class Command>
Result<Command> no_fields(std::string_view body, const TimeZone&) {
  if (auto checked = check_no_fields(body); !checked) return checked.error();
  return Command{};
}

}  // namespace

Task<Handled> create_task(Request request, std::string body) {
  return write(request, std::move(body), Shape::created, parse_create);
}

Task<Handled> update_task(Request request, std::string body) {
  return write(request, std::move(body), Shape::updated, parse_update);
}

Task<Handled> complete_task(Request request, std::string body) {
  const auto parse = [](std::string_view text, const TimeZone&) { return parse_complete(text); };
  return write(request, std::move(body), Shape::updated, parse);
}

Task<Handled> delete_task(Request request, std::string body) {
  return write(request, std::move(body), Shape::empty, no_fields<DeleteTask>);
}

Task<Handled> restore_task(Request request, std::string body) {
  return write(request, std::move(body), Shape::updated, no_fields<RestoreTask>);
}

Task<Handled> undo_task(Request request, std::string body) {
  const auto parse = [](std::string_view text, const TimeZone&) { return parse_undo(text); };
  return write(request, std::move(body), Shape::updated, parse);
}

Task<Handled> erase_task(Request request, std::string body) {
  auto erasing = write(request, std::move(body), Shape::empty, no_fields<EraseTask>);
  auto handled = co_await std::move(erasing);
  const auto* reply = std::get_if<Reply>(&handled.answer);
  if (reply == nullptr || reply->status != 204) co_return handled;
  // The log is rid of it by now; the read models' files are, too, before the answer.
  std::function<void(std::function<void(Handled)>)> job = [&](std::function<void(Handled)> done) {
    request.api.parts.models.purge_erased([done = std::move(done), handled](const auto& purged) {
      done(purged ? handled : Handled(reply_of(purged.error())));
    });
  };
  co_return co_await begin_on_worker(request.api, std::move(job));
}

}  // namespace taskledger::http
