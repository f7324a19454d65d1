// Webhooks as values: which events an endpoint wants, and the system records that make, change and remove one.
// The records' stream is the webhook's id; their version counts from 1. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/event.h"
#include "core/ids.h"
#include "core/result.h"

namespace taskledger {

using WebhookId = Id<struct WebhookTag>;

// A set of the event types that can be sent; an erasure is told to nobody.
struct WebhookTypes {
  std::uint8_t bits = 0;
  [[nodiscard]] static WebhookTypes all();
  [[nodiscard]] bool has(EventType type) const { return bits >> static_cast<unsigned>(type) & 1; }
  void add(EventType type) { bits = static_cast<std::uint8_t>(bits | 1u << static_cast<unsigned>(type)); }
  friend bool operator==(const WebhookTypes&, const WebhookTypes&) = default;
};
// "task.created" …; empty for TaskErased.
[[nodiscard]] std::string_view webhook_type_name(EventType type) noexcept;
[[nodiscard]] std::optional<EventType> parse_webhook_type(std::string_view name) noexcept;
inline constexpr std::string_view kWebhookTypeNames =
    "task.created, task.updated, task.completed, task.reopened, task.deleted, task.restored";
// `["task.created",…]`, in that order.
void append_webhook_types_json(std::string& out, WebhookTypes types);

// The body of a registration. `url` is not looked into here.
struct WebhookRequest {
  std::string url;
  WebhookTypes types = WebhookTypes::all();
};
[[nodiscard]] Result<WebhookRequest> parse_webhook_request(std::string_view json);
// `{"after": POSITION}`, 0 for all of the workspace's history.
[[nodiscard]] Result<WorkspacePosition> parse_replay_request(std::string_view json);

// `sealed_secret`: the signing secret as encrypted by the server (reactors/secrets.h), bytes.
// `after`: the workspace's position at registration; later events are sent.
struct WebhookCreated {
  WorkspaceNumber workspace;
  WorkspaceId workspace_id;
  std::string url;
  WebhookTypes types;
  std::string sealed_secret;
  WorkspacePosition after;
};
struct WebhookDeleted {};
struct WebhookPaused {
  std::string reason;
};  // empty: a person asked for it
struct WebhookResumed {};
struct WebhookSecretRotated {
  std::string sealed_secret;
};
struct WebhookReplayRequested {
  WorkspacePosition after;
};
using WebhookEvent = std::variant<std::monostate, WebhookCreated, WebhookDeleted, WebhookPaused, WebhookResumed,
                                  WebhookSecretRotated, WebhookReplayRequested>;
[[nodiscard]] std::string webhook_payload(const WebhookEvent& event);
// monostate for a record that is about something else, or of a type this version does not know; Invalid for a damaged
// one.
[[nodiscard]] Result<WebhookEvent> parse_webhook_payload(std::string_view json);

}  // namespace taskledger
