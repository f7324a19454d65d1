// GET /notifications, POST /notifications/{id}/read and /read-all: the caller's own. Reading is an event of the log (a
// system record), so that it survives a rebuild.
#include <array>
#include <cstring>

#include "core/notification.h"
#include "http/async_call.h"
#include "http/errors.h"
#include "http/handlers.h"
#include "http/parameters.h"
#include "http/writes.h"
#include "storage/sha256.h"

namespace taskledger::http {
namespace {

constexpr std::string_view kNotFound = "Notification not found";

Fingerprint fingerprint_of(const UserId& user, bool unread_only) {
  Fingerprint fingerprint;
  const auto hash = storage::Sha256()
                        .add(unread_only ? "notifications unread" : "notifications")
                        .add(storage::as_bytes(user.value))
                        .finish();
  std::memcpy(fingerprint.data(), hash.data(), fingerprint.size());
  return fingerprint;
}

using Decide = std::function<Result<storage::Commit, commands::Failure>()>;

Result<storage::Commit, commands::Failure> failed(const storage::ReadError& error) {
  (void)reply_of(error);  // logs it
  return commands::Failure{commands::Fault::unavailable, std::nullopt};
}

storage::Commit commit_of(const Request& request, const Uuid& stream, const NotificationEvent& event) {
  storage::Commit commit;
  commit.workspace = kSystemWorkspace;
  commit.actor = request.caller->token.user;
  commit.expected.push_back({stream, Version{0}});
  commit.records.push_back({.stream = stream,
                            .type = storage::kSystemRecord,
                            .payload = notification_payload(event),
                            .time = {},
                            .id = {},
                            .trace = trace_of(request.head)});
  return commit;
}

storage::Commit nothing() {
  storage::Commit commit;
  commit.workspace = kSystemWorkspace;
  return commit;
}

// Headers and body checked, decided, appended, and visible to every later read.
Task<Handled> write(Request request, std::string_view body, Decide decide) {
  request.body = body;
  auto read = read_write_headers(request, false);
  if (auto* refused = std::get_if<Reply>(&read)) co_return Handled(std::move(*refused));
  if (auto checked = check_no_fields(body); !checked) co_return Handled(reply_of(checked.error()));
  commands::CommandHandler::SystemRequest command{
      request.caller->caller(), std::move(std::get<WriteHeaders>(read).idempotency), std::move(decide)};
  const ApiParts& parts = request.api.parts;
  auto initiate = [&parts, &command](std::function<void(CommandResult)> done) {
    parts.commands.append(std::move(command), [&parts, done = std::move(done)](CommandResult result) {
      if (!result) return done(std::move(result));
      const Position position = result->position;
      parts.models.when_passed(position, [&parts, done, result = std::move(result)] {
        if (parts.models.passed() < result->position)
          return done(commands::Failure{commands::Fault::unseen, std::nullopt});
        done(result);
      });
    });
  };
  const auto result = co_await resume_here<CommandResult>(std::move(initiate));
  if (result) co_return Handled(no_content());
  const auto failure = result.error();
  const auto* refusal = std::get_if<Refusal>(&failure.why);
  if (refusal && *refusal == Refusal::not_found) co_return Handled(error_reply(404, kNotFound));
  co_return Handled(reply_of(failure));
}

struct ListRequest {
  projections::NotificationsQuery query;
  Fingerprint fingerprint;
};

Result<ListRequest> parse(const Request& request) {
  static constexpr std::array<std::string_view, 3> kParameters{"unread", "limit", "cursor"};
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, kParameters); !parsed) return parsed.error();
  const auto limit = parameters.limit();
  if (!limit) return limit.error();
  ListRequest list;
  list.query.workspace = request.caller->workspace_id;
  list.query.user = request.caller->token.user;
  list.query.limit = *limit;
  const auto unread = parameters["unread"];
  if (!unread.empty() && unread != "true" && unread != "false") return not_one_of("unread", "true, false");
  list.query.unread_only = unread == "true";
  list.fingerprint = fingerprint_of(list.query.user, list.query.unread_only);
  if (const auto cursor = parameters["cursor"]; !cursor.empty()) {
    const auto end = request.api.cursors.open(cursor, request.workspace(), list.fingerprint);
    if (!end) return invalid_parameter("cursor", "is not one that this list gave out");
    list.query.before = WorkspacePosition{static_cast<std::uint64_t>(std::get<std::int64_t>(end->after.values.at(0)))};
  }
  return list;
}

Handled page_reply(const Request& request, const ListRequest& list, const projections::NotificationPage& page) {
  std::string body = R"({"data":[)" + page.rows + R"(],"unread":)";
  append_number(body, page.unread);
  body += R"(,"nextCursor":)";
  if (page.next) {
    body += '"';
    const PageEnd end{{}, {{static_cast<std::int64_t>(page.next->value)}, TaskId{}}};
    request.api.cursors.append(body, request.workspace(), list.fingerprint, end);
    body += "\"}";
  } else {
    body += "null}";
  }
  return Handled(json_reply(200, std::move(body)), page.position);
}

}  // namespace

std::optional<Handled> list_notifications(const Request& request) {
  const auto list = parse(request);
  if (!list) return reply_of(list.error());
  const auto page = request.api.parts.models.notifications_at_once(request.workspace(), list->query);
  if (!page) return reply_of(page.error());
  if (!*page) return std::nullopt;
  return page_reply(request, *list, **page);
}

Task<Handled> list_notifications_on_worker(Request request, std::string) {
  std::function<Handled()> job = [request]() -> Handled {
    const auto list = parse(request);
    if (!list) return reply_of(list.error());
    const auto page = request.api.parts.models.notifications(request.workspace(), list->query);
    if (!page) return reply_of(page.error());
    return page_reply(request, *list, *page);
  };
  co_return co_await on_worker(request.api, std::move(job));
}

Task<Handled> read_notification(Request request, std::string body) {
  Decide decide = [&request]() -> Result<storage::Commit, commands::Failure> {
    const UserId user = request.caller->token.user;
    const auto id = parse_uuid(request.path[0]);
    const auto position = id ? notification_position(request.caller->workspace_id, user, *id) : std::nullopt;
    if (!position) return commands::Failure{Refusal::not_found, std::nullopt};
    const auto unread = request.api.parts.models.notification_unread(request.workspace(), user, *position);
    if (!unread) return failed(unread.error());
    if (!*unread) return commands::Failure{Refusal::not_found, std::nullopt};
    if (!**unread) return nothing();
    return commit_of(request, *id, NotificationRead{request.workspace(), user, *position});
  };
  co_return co_await write(request, body, std::move(decide));
}

Task<Handled> read_all_notifications(Request request, std::string body) {
  Decide decide = [&request]() -> Result<storage::Commit, commands::Failure> {
    const UserId user = request.caller->token.user;
    const ApiParts& parts = request.api.parts;
    // The position first: what comes after it stays unread.
    const WorkspacePosition up_to = parts.models.position(request.workspace());
    const auto unread = parts.models.unread_notifications(request.workspace(), user);
    if (!unread) return failed(unread.error());
    if (*unread == 0) return nothing();
    std::array<std::uint8_t, 10> random{};
    parts.random(random);
    const Uuid stream = uuid_v7(request.now().ms, random);
    return commit_of(request, stream, NotificationsRead{request.workspace(), user, up_to});
  };
  co_return co_await write(request, body, std::move(decide));
}

}  // namespace taskledger::http
