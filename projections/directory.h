// Workspaces and tokens: a small read model in memory, folded from the system's own records (workspace 0) at start and
// as they pass. The payloads of those records are written and read in core/access.cc, since commands write them too.
// Threads: any; readers share a lock for the length of one look-up.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access.h"
#include "core/ids.h"
#include "storage/event_log.h"

namespace taskledger::projections {

class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // System records only; others are ignored. ReadError: its payload is gone, so nobody knows whom it let in or out.
  [[nodiscard]] Result<void, storage::ReadError> apply(const storage::Record& record);

  // By the SHA-256 of the whole token text. Revoked tokens are absent; expired ones are not filtered here.
  // The pointer is kept alive by the caller for as long as it looks at it.
  [[nodiscard]] std::shared_ptr<const Token> token_by_hash(const TokenHash& hash) const;
  // Those that are not revoked, oldest first: all, or a workspace's.
  [[nodiscard]] std::vector<Token> tokens() const;
  [[nodiscard]] std::vector<Token> tokens_of(WorkspaceNumber workspace) const;
  [[nodiscard]] std::optional<Workspace> workspace(WorkspaceNumber) const;
  [[nodiscard]] std::optional<Workspace> workspace(const WorkspaceId&) const;
  [[nodiscard]] std::optional<Workspace> workspace_named(std::string_view name) const;
  [[nodiscard]] std::vector<Workspace> workspaces() const;
  [[nodiscard]] WorkspaceNumber next_workspace_number() const;
  // Grows with every change of tokens; a cache of token look-ups is valid for one value of it.
  [[nodiscard]] std::uint64_t token_generation() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace taskledger::projections
