// POST, GET and DELETE of /admin/tokens: the tokens of the caller's workspace. Secrets are shown once and stored as a
// hash; the operator's scope is given by the command line alone.
#include <array>

#include "commands/administration.h"
#include "core/json_reader.h"
#include "http/async_call.h"
#include "http/errors.h"
#include "http/handlers.h"
#include "http/parameters.h"
#include "http/writes.h"

namespace taskledger::http {
namespace {

constexpr std::string_view kGivableScopes = "tasks:read, tasks:write, audit:read, admin";

std::optional<Scope> parse_givable(std::string_view name) {
  const auto scope = parse_scope(name);
  return scope && *scope != Scope::operator_ ? scope : std::nullopt;
}

Result<Scopes> read_scopes(const json::Path& path, const json::Element& value) {
  json::Array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return json::fault(path, "must be an array");
  Scopes scopes;
  std::size_t index = 0;
  for (const json::Element item : array) {
    auto scope = json::read_member(path[index++], item, parse_givable, kGivableScopes);
    if (!scope) return scope.error();
    scopes.bits |= static_cast<std::uint8_t>(*scope);
  }
  if (scopes.bits == 0) return json::fault(path, "must name at least one scope");
  return scopes;
}

struct Fields {
  std::optional<UserId> user;
  std::optional<Scopes> scopes;
  std::optional<TimeZone> zone;
  std::string expires;  // as written
};

Result<void> read_field(std::size_t name, const json::Path& at, const json::Element& value, Fields& fields) {
  if (value.is_null()) return {};  // as if absent
  if (name == 0) {
    auto id = json::read_uuid(at, value);
    if (!id) return id.error();
    fields.user = UserId{*id};
    return {};
  }
  if (name == 1) {
    auto scopes = read_scopes(at, value);
    if (!scopes) return scopes.error();
    fields.scopes = *scopes;
    return {};
  }
  auto text = json::read_string(at, value);
  if (!text) return text.error();
  if (name == 3) {
    fields.expires = *text;
    if (fields.expires.empty()) return json::fault(at, "must be a date or a date-time (RFC 3339)");
    return {};
  }
  fields.zone = TimeZone::load(*text);
  if (!fields.zone) return json::fault(at, "must be an IANA time zone");
  return {};
}

// Times without an offset are the caller's, whose zone is `zone`.
Result<Token> parse_token(std::string_view body, const TimeZone& zone, Timestamp now) {
  static constexpr std::array<std::string_view, 4> kNames{"user_id", "scopes", "timezone", "expires_at"};
  const json::Document document(body);
  if (!document.root()) return Invalid{"Body " + std::string(document.requirement())};
  json::Object object;
  if (document.root()->get_object().get(object) != simdjson::SUCCESS) return Invalid{"Body must be a JSON object"};
  Fields fields;
  std::uint64_t seen = 0;
  auto read = json::read_object(json::kFields, object, kNames, seen,
                                [&](std::size_t name, const json::Path& at, const json::Element& value) {
                                  return read_field(name, at, value, fields);
                                });
  if (!read) return read.error();
  if (!fields.user) return json::fault(json::kFields / "user_id", "is required");
  if (!fields.scopes) return json::fault(json::kFields / "scopes", "is required");
  Token token;
  token.user = *fields.user;
  token.scopes = *fields.scopes;
  if (fields.zone) token.zone = *std::move(fields.zone);
  if (!fields.expires.empty()) {
    const auto path = json::kFields / "expires_at";
    const auto time = parse_time(fields.expires, zone);
    if (!time) return json::fault(path, "must be a date or a date-time (RFC 3339)");
    token.expires_at = time->as_until();
    if (*token.expires_at <= now) return json::fault(path, "must lie in the future");
  }
  return token;
}

// Appended, and known to every later request; or the reply that says why not.
Task<std::optional<Reply>> append(const Api& api, storage::Commit commit) {
  using Failed = std::optional<Reply>;
  const ApiParts& parts = api.parts;
  auto initiate = [&parts, &commit](std::function<void(Failed)> done) {
    parts.log.append(std::move(commit), [&parts, done = std::move(done)](const storage::EventLog::Appending& result) {
      if (!result) return done(reply_of(result.error()));
      parts.models.when_passed(result->position, [&parts, done, position = result->position] {
        if (parts.models.passed() >= position) return done(std::nullopt);
        done(reply_of(commands::Failure{commands::Fault::unseen, std::nullopt}));
      });
    });
  };
  auto failed = co_await resume_here<Failed>(std::move(initiate));
  co_return failed;
}

// Parameters and headers of all of these.
std::optional<Reply> refused(const Request& request) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, {}); !parsed) return reply_of(parsed.error());
  return std::nullopt;
}

void append_token_json(std::string& out, const Token& token) {
  out.append(R"({"id":")").append(to_string(token.id)).append(R"(","user_id":")").append(to_string(token.user));
  out += R"(","scopes":)";
  append_scopes_json(out, token.scopes);
  out.append(R"(,"timezone":")").append(token.zone.name()).append(R"(","created_at":")");
  append_rfc3339(out, token.created_at);
  out += R"(","expires_at":)";
  out += token.expires_at ? '"' + to_rfc3339(*token.expires_at) + '"' : "null";
  out += '}';
}

}  // namespace

Task<Handled> create_token(Request request, std::string body) {
  static constexpr std::array<std::string_view, 1> kParameters{"timezone"};
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, kParameters); !parsed) co_return Handled(reply_of(parsed.error()));
  const auto zone = parameters.zone(request.caller->token.zone);
  if (!zone) co_return Handled(reply_of(zone.error()));
  if (auto refusal = refuse_idempotency_key(request)) co_return Handled(*std::move(refusal));
  auto token = parse_token(body, *zone, request.now());
  if (!token) co_return Handled(reply_of(token.error()));
  token->workspace = request.workspace();
  auto made = commands::make_token(*std::move(token), request.api.parts.clock, request.api.parts.random);
  made.commit.actor = request.caller->token.user;
  const auto failed = co_await append(request.api, std::move(made.commit));
  if (failed) co_return Handled(*failed);
  std::string json = R"({"id":")" + to_string(made.token.id) + R"(","token":")" + made.token.secret + "\"}";
  auto reply = json_reply(201, std::move(json));
  reply.headers = "Cache-Control: no-store\r\n";
  co_return Handled(std::move(reply));
}

std::optional<Handled> list_tokens(const Request& request) {
  if (auto refusal = refused(request)) return *std::move(refusal);
  std::string body = R"({"data":[)";
  bool first = true;
  for (const Token& token : request.api.parts.models.directory().tokens_of(request.workspace())) {
    if (!std::exchange(first, false)) body += ',';
    append_token_json(body, token);
  }
  return json_reply(200, body + "]}");
}

Task<Handled> revoke_token(Request request, std::string body) {
  if (auto refusal = refused(request)) co_return Handled(*std::move(refusal));
  if (auto refusal = refuse_idempotency_key(request)) co_return Handled(*std::move(refusal));
  if (auto checked = check_no_fields(body); !checked) co_return Handled(reply_of(checked.error()));
  const auto id = parse_uuid(request.path[0]);
  bool found = false;
  for (const Token& token : request.api.parts.models.directory().tokens_of(request.workspace()))
    found = found || (id && token.id.value == *id);
  if (!found) co_return Handled(error_reply(404, "Token not found"));
  auto commit = commands::revoke_token(TokenId{*id}, request.caller->token.user);
  const auto failed = co_await append(request.api, std::move(commit));
  // A conflict: someone else has just revoked it.
  if (failed && failed->status == 409) co_return Handled(error_reply(404, "Token not found"));
  if (failed) co_return Handled(*failed);
  co_return Handled(no_content());
}

}  // namespace taskledger::http
