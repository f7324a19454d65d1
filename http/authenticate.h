// From an Authorization header to who is calling.
// Threads: any. Each thread remembers the headers it saw last, valid for one generation of the directory's tokens, so
// that a request costs one comparison and no hash; expiry is checked every time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "commands/command_handler.h"
#include "core/access.h"
#include "http/rate_limit.h"
#include "projections/directory.h"

namespace taskledger::http {

struct Principal {
  Token token;
  WorkspaceId workspace_id;
  std::string me;                  // the body of GET /me
  std::shared_ptr<Bucket> bucket;  // shared by all principals of the token; null: rates are not limited
  [[nodiscard]] commands::Caller caller() const { return {token.workspace, workspace_id, token.user}; }
};

class Authenticator {
 public:
  Authenticator(const projections::Directory& directory, Buckets* buckets);
  // Null: malformed, unknown, revoked or expired.
  [[nodiscard]] std::shared_ptr<const Principal> find(std::string_view authorization, Timestamp now) const;

 private:
  [[nodiscard]] std::shared_ptr<const Principal> look_up(std::string_view authorization) const;

  const projections::Directory& directory_;
  Buckets* buckets_;      // null: off
  std::uint64_t serial_;  // tells the entries of this one from those of another in the threads' memories
};

}  // namespace taskledger::http
