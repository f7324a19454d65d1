// Workspaces and tokens: made and revoked by system records of the log. Blocking calls, for the CLI and for worker
// threads; `append` waits for the log's answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/access.h"
#include "core/clock.h"
#include "storage/append_and_wait.h"
#include "storage/event_log.h"

namespace taskledger::commands {

struct NewToken {
  TokenId id;
  std::string secret;  // "ksr_…": shown once, only its hash is stored
};
// The record that makes `token` (id, hash and created_at are filled in here) and its secret.
struct TokenCommit {
  storage::Commit commit;
  NewToken token;
};
[[nodiscard]] TokenCommit make_token(Token token, const Clock& clock, const RandomBytes& random);
[[nodiscard]] storage::Commit revoke_token(const TokenId& id, const UserId& actor, Version version = {1});
// A name of 1 to 100 characters after trimming, without control characters.
[[nodiscard]] Result<std::string> check_workspace_name(std::string_view name);
[[nodiscard]] storage::Commit make_workspace(std::string_view name, WorkspaceNumber number, const UserId& actor);
[[nodiscard]] TokenHash hash_token(std::string_view secret);

using storage::append_and_wait;

}  // namespace taskledger::commands
