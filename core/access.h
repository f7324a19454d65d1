// Who may do what: workspaces, tokens, scopes, and the system records that make and revoke them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/ids.h"
#include "core/result.h"
#include "core/time_zone.h"
#include "core/timestamp.h"

namespace taskledger {

// A set of scopes.
enum class Scope : std::uint8_t { tasks_read = 1, tasks_write = 2, audit_read = 4, admin = 8, operator_ = 16 };
struct Scopes {
  std::uint8_t bits = 0;
  [[nodiscard]] bool has(Scope scope) const { return bits & static_cast<std::uint8_t>(scope); }
  friend bool operator==(const Scopes&, const Scopes&) = default;
};
inline constexpr std::string_view kScopeNames = "tasks:read, tasks:write, audit:read, admin, operator";
[[nodiscard]] std::string_view name_of(Scope) noexcept;
[[nodiscard]] std::optional<Scope> parse_scope(std::string_view) noexcept;
// "tasks:read,tasks:write"; nullopt for an unknown name or an empty list.
[[nodiscard]] std::optional<Scopes> parse_scopes(std::string_view comma_separated);
// `["tasks:read",…]`, in the order of kScopeNames.
void append_scopes_json(std::string& out, Scopes scopes);

using TokenHash = std::array<std::uint8_t, 32>;  // SHA-256 of the token's whole text

struct Workspace {
  WorkspaceNumber number;
  WorkspaceId id;
  std::string name;
};
struct Token {
  TokenId id;
  TokenHash hash{};
  WorkspaceNumber workspace;
  UserId user;
  Scopes scopes;
  TimeZone zone;
  std::optional<Timestamp> expires_at;
  Timestamp created_at;
};

// Payloads of system records, as JSON objects with a "type".
struct WorkspaceCreated {
  WorkspaceNumber number;
  std::string name;
};  // stream: the workspace's id
struct TokenCreated {
  Token token;
};                       // stream: the token's id
struct TokenRevoked {};  // stream: the token's id
using SystemEvent = std::variant<std::monostate, WorkspaceCreated, TokenCreated, TokenRevoked>;
[[nodiscard]] std::string system_payload(const SystemEvent& event);
// monostate for a type this version does not know (skipped); Invalid for a damaged one. `stream` and `time` fill in ids
// and created_at.
[[nodiscard]] Result<SystemEvent> parse_system_payload(std::string_view json, const Uuid& stream, Timestamp time);

}  // namespace taskledger
