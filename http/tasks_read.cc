// GET /tasks/{id}: as it is, or, folded from its stream, as it was.
#include <array>
#include <limits>

#include "commands/task_stream.h"
#include "http/entity_tags.h"
#include "http/errors.h"
#include "http/handlers.h"
#include "http/list_parameters.h"
#include "projections/past/past_reads.h"
#include "storage/quick_reads.h"

namespace taskledger::http {
namespace {

constexpr std::array<std::string_view, 4> kParameters{"include", "as_of", "version", "timezone"};

Handled reply(const Request& request, std::string json, Version version, WorkspacePosition position) {
  Reply out;
  append_etag(out.headers, version);
  if (none_match_holds(request.head.if_none_match, version)) {
    out.status = 304;
  } else {
    out.body = std::move(json);
  }
  return {std::move(out), position};
}

struct Then {
  std::optional<Timestamp> as_of;
  std::optional<std::uint64_t> version;
};

// An erased task has no past any more, so its whole stream is looked at, not only the part asked for.
// nullopt: it has more than `most` events.
std::optional<Handled> as_it_was(const Request& request, const TaskId& id, const Then& then, bool include_links,
                                 std::uint64_t most) {
  const auto& parts = request.api.parts;
  const auto position = parts.models.position(request.workspace());
  bool erased = false, too_many = false;
  Version last;
  auto state = commands::fold_task(parts.log, request.workspace(), id, [&](const storage::Record& record) {
    if (then.as_of && record.time > *then.as_of) return false;
    if (then.version && record.version.value > *then.version) return false;
    too_many = record.version.value > most;
    last = record.version;
    return !too_many;
  });
  if (!state) return reply_of(state.error());
  if (too_many) return std::nullopt;
  auto rest = parts.log.read_stream(request.workspace(), id.value, last.next(), [&](const storage::Record& record) {
    erased = erased || record.type == static_cast<std::uint8_t>(EventType::task_erased);
    too_many = record.version.value > most;
    return !too_many;
  });
  if (!rest) return reply_of(rest.error());
  if (too_many) return std::nullopt;
  const bool there = state->lifecycle == Lifecycle::live && !erased && (!then.version || last.value == *then.version);
  if (!there) return Handled(error_reply(404, kTaskNotFound), position);
  std::string json;
  append_task_json(json, *state);
  if (include_links) {
    json.back() = ',';
    json += R"("linked_entities":)";
    append_links_json(json, state->fields.links);
    json += '}';
  }
  return reply(request, std::move(json), state->version, position);
}

struct TaskRequest {
  std::optional<TaskId> id;  // absent: no UUID, so no task
  Then then;
  bool include_links = false;
};

Result<TaskRequest> parse(const Request& request) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, kParameters); !parsed) return parsed.error();
  const auto include = parameters["include"];
  if (!include.empty() && include != "linked_entities") return not_one_of("include", "linked_entities");
  auto zone = parameters.zone(request.caller->token.zone);
  if (!zone) return zone.error();
  auto as_of = parse_as_of(parameters, *zone, request.now());
  if (!as_of) return as_of.error();
  auto version = parameters.count("version");
  if (!version || *version == std::uint64_t{0}) return invalid_parameter("version", "must be an integer of at least 1");
  if (*version && *as_of) return invalid_parameter("version", "cannot be given together with 'as_of'");
  TaskRequest task{{}, {*as_of, *version}, !include.empty()};
  if (const auto id = parse_uuid(request.path[0])) task.id = TaskId{*id};
  return task;
}

Handled as_it_is(const Request& request, const TaskRequest& asked) {
  auto task = request.api.parts.models.task(request.workspace(), *asked.id, asked.include_links);
  if (!task) return reply_of(task.error());
  if (!task->found()) return {error_reply(404, kTaskNotFound), task->position};
  return reply(request, std::move(task->json), task->version, task->position);
}

}  // namespace

std::optional<Handled> get_task(const Request& request) {
  const auto asked = parse(request);
  if (!asked) return reply_of(asked.error());
  if (!asked->id) return error_reply(404, kTaskNotFound);
  const auto& parts = request.api.parts;
  const Then& then = asked->then;
  // An event of that instant may still be on its way to the disk.
  if (then.as_of && parts.past && !parts.past->settled(request.workspace(), *then.as_of)) return std::nullopt;
  if (then.as_of || then.version)
    return as_it_was(request, *asked->id, then, asked->include_links, storage::kQuickEvents);
  if (!parts.models.is_loaded(request.workspace())) return std::nullopt;
  return as_it_is(request, *asked);
}

Task<Handled> get_task_on_worker(Request request, std::string) {
  std::function<Handled()> job = [request]() -> Handled {
    const auto asked = parse(request);
    if (!asked) return reply_of(asked.error());
    const auto& parts = request.api.parts;
    const Then& then = asked->then;
    if (!then.as_of && !then.version) return as_it_is(request, *asked);
    if (then.as_of && parts.past) parts.past->settle(request.workspace(), *then.as_of);
    return *as_it_was(request, *asked->id, then, asked->include_links, std::numeric_limits<std::uint64_t>::max());
  };
  co_return co_await on_worker(request.api, std::move(job));
}

}  // namespace taskledger::http
