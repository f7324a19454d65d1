// GET /tasks/{id}/history: a task's events, oldest first, with what each update changed.
#include <array>
#include <cstring>

#include "commands/task_stream.h"
#include "http/errors.h"
#include "http/event_page.h"
#include "http/handlers.h"
#include "http/parameters.h"
#include "storage/quick_reads.h"

namespace taskledger::http {
namespace {

constexpr std::array<std::string_view, 3> kParameters{"limit", "cursor", "timezone"};

Fingerprint fingerprint_of_history(const TaskId& id) {
  Fingerprint fingerprint;
  const auto hash = storage::Sha256().add("history").add(storage::as_bytes(id.value)).finish();
  std::memcpy(fingerprint.data(), hash.data(), fingerprint.size());
  return fingerprint;
}

struct Page {
  std::string events;
  Version first, last;  // of the stream; 0: empty
  bool more = false;
  std::optional<storage::ReadError> damaged;
};

// From the stream's start, since `changes` says what was there before. nullopt: it would take more than `most` events.
Result<std::optional<Page>, storage::ReadError> read_page(const Request& request, const TaskId& id, Version after,
                                                          std::uint32_t limit, std::uint64_t most) {
  Page page;
  bool too_many = false;
  taskledger::Task state;
  std::uint32_t count = 0;
  auto read =
      request.api.parts.log.read_stream(request.workspace(), id.value, Version{1}, [&](const storage::Record& record) {
        if (record.version.value > most) {
          too_many = true;
          return false;
        }
        if (page.first == Version{}) page.first = record.version;
        if (count == limit) {
          page.more = true;
          return false;
        }
        auto event = commands::event_of(record);
        if (!event) {
          page.damaged = event.error();
          return false;
        }
        if (record.version > after) {
          std::string changes;
          if (const auto* update = std::get_if<TaskUpdated>(&*event); update && record.payload) {
            changes = R"(,"changes":)";
            append_changes_json(changes, state, update->patch);
          }
          if (count++ > 0) page.events += ',';
          append_event(page.events, record, request.caller->workspace_id, changes);
          page.last = record.version;
        }
        evolve(state, id, record.version, record.time, record.actor, *event);
        return true;
      });
  if (!read) return read.error();
  if (page.damaged) return *page.damaged;
  if (too_many) return std::optional<Page>();
  return std::optional<Page>(std::move(page));
}

std::optional<Handled> answer(const Request& request, std::uint64_t most) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, kParameters); !parsed) return reply_of(parsed.error());
  auto limit = parameters.limit();
  if (!limit) return reply_of(limit.error());
  if (auto zone = parameters.zone(request.caller->token.zone); !zone) return reply_of(zone.error());
  const auto id = parse_uuid(request.path[0]);
  const auto fingerprint = fingerprint_of_history(TaskId{id.value_or(Uuid{})});
  Version after;
  if (const auto cursor = parameters["cursor"]; !cursor.empty()) {
    const auto end = request.api.cursors.open(cursor, request.workspace(), fingerprint);
    if (!end) return reply_of(invalid_parameter("cursor", "is not one that this history gave out"));
    after.value = static_cast<std::uint32_t>(std::get<std::int64_t>(end->after.values.at(0)));
  }
  if (!id) return error_reply(404, kTaskNotFound);

  const auto position = request.api.parts.models.position(request.workspace());
  auto read = read_page(request, TaskId{*id}, after, *limit, most);
  if (!read) return reply_of(read.error());
  const auto& page = *read;
  if (!page) return std::nullopt;
  if (page->first == Version{}) return Handled(error_reply(404, kTaskNotFound), position);
  std::string body = R"({"data":[)" + page->events + R"(],"nextCursor":)";
  if (page->more) {
    body += '"';
    const PageEnd end{{}, {{static_cast<std::int64_t>(page->last.value)}, TaskId{*id}}};
    request.api.cursors.append(body, request.workspace(), fingerprint, end);
    body += "\"}";
  } else {
    body += "null}";
  }
  return Handled(json_reply(200, std::move(body)), position);
}

}  // namespace

std::optional<Handled> get_history(const Request& request) { return answer(request, storage::kQuickEvents); }

Task<Handled> get_history_on_worker(Request request, std::string) {
  std::function<Handled()> job = [request] { return *answer(request, UINT64_MAX); };
  co_return co_await on_worker(request.api, std::move(job));
}

}  // namespace taskledger::http
