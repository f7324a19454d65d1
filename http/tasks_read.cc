// GET /tasks/{id}: as it is, or, folded from its stream, as it was.
#include <array>
#include <limits>

#include "commands/task_stream.h"
#include "http/entity_tags.h"
#include "http/errors.h"
#include "http/handlers.h"
#include "http/list_parameters.h"

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
Handled as_it_was(const Request& request, const TaskId& id, const Then& then, bool include_links) {
  const auto& parts = request.api.parts;
  const auto position = parts.models.position(request.workspace());
  bool erased = false;
  Version last;
  auto state = commands::fold_task(parts.log, request.workspace(), id, [&](const storage::Record& record) {
    if (then.as_of && record.time > *then.as_of) return false;
    if (then.version && record.version.value > *then.version) return false;
    last = record.version;
    return true;
  });
  if (!state) return reply_of(state.error());
  auto rest = parts.log.read_stream(request.workspace(), id.value, last.next(), [&](const storage::Record& record) {
    erased = erased || record.type == static_cast<std::uint8_t>(EventType::task_erased);
    return true;
  });
  if (!rest) return reply_of(rest.error());
  const bool there = state->lifecycle == Lifecycle::live && !erased && (!then.version || last.value == *then.version);
  if (!there) return {error_reply(404, kTaskNotFound), position};
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

}  // namespace

std::optional<Handled> get_task(const Request& request) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, kParameters); !parsed) return reply_of(parsed.error());
  const auto include = parameters["include"];
  if (!include.empty() && include != "linked_entities") return reply_of(not_one_of("include", "linked_entities"));
  auto zone = parameters.zone(request.caller->token.zone);
  if (!zone) return reply_of(zone.error());
  auto as_of = parse_as_of(parameters, *zone, request.now());
  if (!as_of) return reply_of(as_of.error());
  auto version = parameters.count("version");
  if (!version) return reply_of(version.error());
  if (*version && **version == 0) return reply_of(invalid_parameter("version", "must be an integer of at least 1"));
  if (*version && *as_of) return reply_of(invalid_parameter("version", "cannot be given together with 'as_of'"));

  const auto id = parse_uuid(request.path[0]);
  if (!id) return error_reply(404, kTaskNotFound);
  if (*as_of || *version) return as_it_was(request, TaskId{*id}, {*as_of, *version}, !include.empty());
  auto task = request.api.parts.models.task(request.workspace(), TaskId{*id}, !include.empty());
  if (!task) return reply_of(task.error());
  if (!task->found()) return Handled(error_reply(404, kTaskNotFound), task->position);
  return reply(request, std::move(task->json), task->version, task->position);
}

}  // namespace taskledger::http
