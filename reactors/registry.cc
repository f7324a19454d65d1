#include "reactors/registry.h"

#include <algorithm>

#include "storage/missing_content.h"

namespace taskledger::reactors {
namespace {

constexpr std::size_t kMaxReplays = 32;  // requests kept for a restart; older ones were long carried out

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

void rotate(Webhook& webhook, std::string sealed, Timestamp time) {
  webhook.secrets.front().replaced_at = time;
  webhook.secrets.insert(webhook.secrets.begin(), SigningSecret{std::move(sealed), std::nullopt});
  if (webhook.secrets.size() > kMaxSecrets) webhook.secrets.resize(kMaxSecrets);
}

void request_replay(Webhook& webhook, WorkspacePosition after, std::uint64_t number) {
  webhook.replays.push_back({after, number});
  if (webhook.replays.size() <= kMaxReplays) return;
  webhook.replays[1].after = std::min(webhook.replays[0].after, webhook.replays[1].after);
  webhook.replays.erase(webhook.replays.begin());
}

}  // namespace

Result<void, storage::ReadError> Registry::catch_up() {
  const std::lock_guard alone(folding_);
  if (folded_ >= log_.workspace_head(kSystemWorkspace).position) return {};
  std::optional<storage::ReadError> gone;
  const auto visit = [&](const storage::Record& record) {
    if (record.type == storage::kSystemRecord && !record.payload) {
      gone = storage::content_is_gone(record.position);
      return false;
    }
    {
      const std::lock_guard lock(mutex_);
      apply(record);
    }
    folded_ = record.in_workspace;
    return true;
  };
  if (auto read = log_.read_workspace(kSystemWorkspace, folded_, visit); !read) return read;
  if (gone) return *gone;
  return {};
}

void Registry::apply(const storage::Record& record) {
  if (record.type != storage::kSystemRecord) return;
  auto parsed = parse_webhook_payload(*record.payload);
  if (!parsed || std::holds_alternative<std::monostate>(*parsed)) return;
  const WebhookId id{record.stream};
  ++revision_;
  if (auto* created = std::get_if<WebhookCreated>(&*parsed)) {
    Webhook webhook{.id = id,
                    .workspace = created->workspace,
                    .workspace_id = created->workspace_id,
                    .url = std::move(created->url),
                    .types = created->types,
                    .secrets = {},
                    .paused = false,
                    .pause_reason = {},
                    .created_at = record.time,
                    .after = created->after,
                    .replays = {},
                    .version = record.version};
    webhook.secrets.push_back({std::move(created->sealed_secret), std::nullopt});
    webhooks_[id] = std::make_shared<const Webhook>(std::move(webhook));
    return;
  }
  const auto known = webhooks_.find(id);
  if (known == webhooks_.end()) return;
  if (std::holds_alternative<WebhookDeleted>(*parsed)) {
    webhooks_.erase(known);
    return;
  }
  auto webhook = std::make_shared<Webhook>(*known->second);
  webhook->version = record.version;
  std::visit(
      Overloaded{[](const std::monostate&) {}, [](const WebhookCreated&) {}, [](const WebhookDeleted&) {},
                 [&](WebhookPaused& event) {
                   webhook->paused = true;
                   webhook->pause_reason = std::move(event.reason);
                 },
                 [&](const WebhookResumed&) {
                   webhook->paused = false;
                   webhook->pause_reason.clear();
                 },
                 [&](WebhookSecretRotated& event) { rotate(*webhook, std::move(event.sealed_secret), record.time); },
                 [&](const WebhookReplayRequested& event) {
                   request_replay(*webhook, event.after, record.in_workspace.value);
                 }},
      *parsed);
  known->second = std::move(webhook);
}

WebhookPtr Registry::find(const WebhookId& id) const {
  const std::lock_guard lock(mutex_);
  const auto known = webhooks_.find(id);
  return known == webhooks_.end() ? nullptr : known->second;
}

std::vector<WebhookPtr> Registry::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<WebhookPtr> out;
  out.reserve(webhooks_.size());
  for (const auto& [id, webhook] : webhooks_) out.push_back(webhook);
  return out;
}

std::uint64_t Registry::revision() const {
  const std::lock_guard lock(mutex_);
  return revision_;
}

}  // namespace taskledger::reactors
