#include "commands/administration.h"

#include <utility>

#include "core/base64.h"
#include "core/text.h"
#include "storage/sha256.h"

namespace taskledger::commands {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kMaxNameCharacters = 100;

storage::Commit system_commit(const Uuid& stream, Version expected, const UserId& actor, const SystemEvent& event) {
  storage::Commit commit;
  commit.workspace = kSystemWorkspace;
  commit.actor = actor;
  commit.expected.push_back({stream, expected});
  storage::NewRecord record;
  record.stream = stream;
  record.type = storage::kSystemRecord;
  record.payload = system_payload(event);
  commit.records.push_back(std::move(record));
  return commit;
}

}  // namespace

TokenCommit make_token(Token token, const Clock& clock, const RandomBytes& random) {
  std::array<std::uint8_t, 10> id_bytes{};
  std::array<std::uint8_t, kSecretBytes> secret_bytes{};
  random(id_bytes);
  random(secret_bytes);
  TokenCommit made;
  token.created_at = clock();
  token.id = TokenId{uuid_v7(token.created_at.ms, id_bytes)};
  made.token = {token.id, "ksr_"};
  append_base64url(made.token.secret, {reinterpret_cast<const char*>(secret_bytes.data()), secret_bytes.size()});
  token.hash = hash_token(made.token.secret);
  const UserId actor = token.user;
  const Uuid stream = token.id.value;
  made.commit = system_commit(stream, Version{0}, actor, TokenCreated{std::move(token)});
  return made;
}

storage::Commit revoke_token(const TokenId& id, const UserId& actor, Version version) {
  return system_commit(id.value, version, actor, TokenRevoked{});
}

Result<std::string> check_workspace_name(std::string_view name) {
  if (!is_valid_utf8(name)) return Invalid{"A workspace's name must be valid UTF-8"};
  const auto trimmed = trim(name);
  if (trimmed.empty() || code_points(trimmed) > kMaxNameCharacters) {
    return Invalid{"A workspace's name must have 1 to 100 characters"};
  }
  if (has_control(trimmed)) return Invalid{"A workspace's name must not contain control characters"};
  return Result<std::string>(boost::system::in_place_value, trimmed);
}

storage::Commit make_workspace(std::string_view name, WorkspaceNumber number, const UserId& actor) {
  return system_commit(workspace_id_of(name).value, Version{0}, actor, WorkspaceCreated{number, std::string(name)});
}

TokenHash hash_token(std::string_view secret) { return storage::Sha256().add(secret).finish(); }

}  // namespace taskledger::commands
