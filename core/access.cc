#include "core/access.h"

#include <simdjson.h>

#include <limits>
#include <utility>

#include "core/text.h"

namespace taskledger {
namespace {

// Payloads of system records, all JSON objects; keys in this order when written, in any order (and others besides)
// when read.
//   {"type":"WorkspaceCreated","number":N,"name":"…"}
//   {"type":"TokenCreated","workspace":N,"user":UUID,"hash":HEX64,"scopes":["tasks:read",…],"timezone":"Europe/Paris",
//    "expires_at":RFC3339 | null}
//   {"type":"TokenRevoked"}

constexpr std::array<std::pair<Scope, std::string_view>, 5> kScopes{{{Scope::tasks_read, "tasks:read"},
                                                                     {Scope::tasks_write, "tasks:write"},
                                                                     {Scope::audit_read, "audit:read"},
                                                                     {Scope::admin, "admin"},
                                                                     {Scope::operator_, "operator"}}};

void add(Scopes& scopes, Scope scope) { scopes.bits |= static_cast<std::uint8_t>(scope); }

void append_hex(std::string& out, const TokenHash& hash) {
  for (const std::uint8_t byte : hash) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<TokenHash> parse_hash(std::string_view hex) {
  TokenHash hash;
  if (hex.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    hash[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return hash;
}

std::string payload_of(const WorkspaceCreated& event) {
  std::string out = R"({"type":"WorkspaceCreated","number":)" + std::to_string(event.number.value) + R"(,"name":)";
  append_json_string(out, event.name);
  out += '}';
  return out;
}

std::string payload_of(const TokenCreated& event) {
  const Token& token = event.token;
  std::string out = R"({"type":"TokenCreated","workspace":)" + std::to_string(token.workspace.value) + R"(,"user":")";
  append_uuid(out, token.user.value);
  out += R"(","hash":")";
  append_hex(out, token.hash);
  out += R"(","scopes":)";
  append_scopes_json(out, token.scopes);
  out += R"(,"timezone":)";
  append_json_string(out, token.zone.name());
  out += R"(,"expires_at":)";
  if (token.expires_at) {
    out += '"';
    append_rfc3339(out, *token.expires_at);
    out += "\"}";
  } else {
    out += "null}";
  }
  return out;
}

std::string payload_of(const TokenRevoked&) { return R"({"type":"TokenRevoked"})"; }
std::string payload_of(std::monostate) { return "{}"; }

using Object = simdjson::dom::object;

Invalid bad(std::string_view type, std::string_view field) {
  return {std::string(type) + " payload: '" + std::string(field) + "' is missing or malformed"};
}

std::optional<std::string_view> text_of(const Object& object, std::string_view key) {
  std::string_view value;
  if (object[key].get(value)) return std::nullopt;
  return value;
}

std::optional<WorkspaceNumber> number_of(const Object& object, std::string_view key) {
  std::uint64_t value;
  if (object[key].get(value) || value > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return WorkspaceNumber{static_cast<std::uint32_t>(value)};
}

std::optional<Scopes> scopes_of(const Object& object) {
  simdjson::dom::array names;
  if (object["scopes"].get(names)) return std::nullopt;
  Scopes scopes;
  for (const simdjson::dom::element name : names) {
    std::string_view text;
    if (name.get(text)) return std::nullopt;
    const auto scope = parse_scope(text);
    if (!scope) return std::nullopt;
    add(scopes, *scope);
  }
  return scopes;
}

Result<SystemEvent> parse_workspace_created(const Object& object) {
  const auto number = number_of(object, "number");
  if (!number) return bad("WorkspaceCreated", "number");
  const auto name = text_of(object, "name");
  if (!name) return bad("WorkspaceCreated", "name");
  return SystemEvent(WorkspaceCreated{*number, std::string(*name)});
}

Result<SystemEvent> parse_token_created(const Object& object, const Uuid& stream, Timestamp time) {
  constexpr std::string_view kType = "TokenCreated";
  Token token;
  token.id = {stream};
  token.created_at = time;

  const auto workspace = number_of(object, "workspace");
  if (!workspace) return bad(kType, "workspace");
  token.workspace = *workspace;
  const auto user = parse_uuid(text_of(object, "user").value_or(""));
  if (!user) return bad(kType, "user");
  token.user = {*user};
  const auto hash = parse_hash(text_of(object, "hash").value_or(""));
  if (!hash) return bad(kType, "hash");
  token.hash = *hash;
  const auto scopes = scopes_of(object);
  if (!scopes) return bad(kType, "scopes");
  token.scopes = *scopes;

  const auto zone = text_of(object, "timezone");
  if (!zone) return bad(kType, "timezone");
  // tzdata may drop a name; a token must not stop working, nor the log stop being readable, for that.
  token.zone = TimeZone::load(*zone).value_or(TimeZone());

  simdjson::dom::element expires;
  if (object["expires_at"].get(expires)) return bad(kType, "expires_at");
  if (!expires.is_null()) {
    std::string_view text;
    if (expires.get(text)) return bad(kType, "expires_at");
    const auto at = parse_time(text, TimeZone());
    if (!at || at->whole_day) return bad(kType, "expires_at");
    token.expires_at = at->at;
  }
  return SystemEvent(TokenCreated{std::move(token)});
}

}  // namespace

std::string_view name_of(Scope scope) noexcept {
  for (const auto& [known, name] : kScopes) {
    if (known == scope) return name;
  }
  return {};
}

std::optional<Scope> parse_scope(std::string_view text) noexcept {
  for (const auto& [scope, name] : kScopes) {
    if (name == text) return scope;
  }
  return std::nullopt;
}

std::optional<Scopes> parse_scopes(std::string_view comma_separated) {
  Scopes scopes;
  for (;;) {
    const std::size_t comma = comma_separated.find(',');
    const auto scope = parse_scope(comma_separated.substr(0, comma));
    if (!scope) return std::nullopt;
    add(scopes, *scope);
    if (comma == comma_separated.npos) return scopes;
    comma_separated.remove_prefix(comma + 1);
  }
}

void append_scopes_json(std::string& out, Scopes scopes) {
  out += '[';
  bool first = true;
  for (const auto& [scope, name] : kScopes) {
    if (!scopes.has(scope)) continue;
    out += first ? "\"" : ",\"";
    first = false;
    out += name;
    out += '"';
  }
  out += ']';
}

std::string system_payload(const SystemEvent& event) {
  return std::visit([](const auto& known) { return payload_of(known); }, event);
}

Result<SystemEvent> parse_system_payload(std::string_view json, const Uuid& stream, Timestamp time) {
  simdjson::dom::parser parser;
  Object object;
  if (parser.parse(json.data(), json.size()).get(object)) return Invalid{"system payload is no JSON object"};
  const auto type = text_of(object, "type");
  if (!type) return bad("system", "type");
  if (*type == "WorkspaceCreated") return parse_workspace_created(object);
  if (*type == "TokenCreated") return parse_token_created(object, stream, time);
  if (*type == "TokenRevoked") return SystemEvent(TokenRevoked{});
  return SystemEvent(std::monostate{});
}

}  // namespace taskledger
