// The webhooks there are: a fold of the system records about them.
// Threads: any. Snapshots are immutable and shared (several threads look at them at once).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/timestamp.h"
#include "core/webhook.h"
#include "storage/event_log.h"

namespace taskledger::reactors {

struct SigningSecret {
  std::string sealed;
  std::optional<Timestamp> replaced_at;  // by a newer one; signs on for the overlap
};
// The newest, and those it replaced, kept of one webhook: that many signatures a message has at most. A rotation that
// would drop one which still signs is refused (webhooks.cc).
inline constexpr std::size_t kMaxSecrets = 10;
struct ReplayRequest {
  WorkspacePosition after;
  std::uint64_t number = 0;  // of its record among the system's
};
struct Webhook {
  WebhookId id;
  WorkspaceNumber workspace;
  WorkspaceId workspace_id;
  std::string url;
  WebhookTypes types;
  std::vector<SigningSecret> secrets;  // newest first
  bool paused = false;
  std::string pause_reason;  // empty: a person asked for it
  Timestamp created_at;
  WorkspacePosition after;             // where deliveries begin
  std::vector<ReplayRequest> replays;  // oldest first
  Version version;                     // of its stream
};
using WebhookPtr = std::shared_ptr<const Webhook>;

class Registry {
 public:
  explicit Registry(const storage::EventLog& log) : log_(log) {}
  // Folds what the log has that was not folded yet.
  Result<void, storage::ReadError> catch_up();
  [[nodiscard]] WebhookPtr find(const WebhookId& id) const;
  [[nodiscard]] std::vector<WebhookPtr> all() const;
  // Grows with every change.
  [[nodiscard]] std::uint64_t revision() const;

 private:
  void apply(const storage::Record& record);

  const storage::EventLog& log_;
  std::mutex folding_;        // held while the log is read, so that who only looks does not wait
  WorkspacePosition folded_;  // under folding_
  mutable std::mutex mutex_;  // of what follows
  std::uint64_t revision_ = 0;
  std::map<WebhookId, WebhookPtr> webhooks_;
};

}  // namespace taskledger::reactors
