// One delivery: an event on its way to one endpoint, as it is kept in the reactor store and shown in lists.
// It holds no text of the task: bodies are read from the log when they are sent, so that an erased payload is gone here
// too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/event.h"
#include "core/ids.h"
#include "core/timestamp.h"
#include "core/webhook.h"
#include "storage/event_log.h"

namespace taskledger::reactors {

// Values are stored: never renumber.
enum class DeliveryKind : std::uint8_t {
  event = 1,       // the first of its task that is not done: tried by itself when due
  held = 2,        // waits for an earlier one of its task
  redelivery = 3,  // asked for by a person: tried when due, holds nothing back
  ping = 4,        // a test message: tried once
};
enum class DeliveryState : std::uint8_t { pending, parked, done };
[[nodiscard]] std::string_view name_of(DeliveryState) noexcept;
[[nodiscard]] std::optional<DeliveryState> parse_delivery_state(std::string_view) noexcept;
inline constexpr std::string_view kDeliveryStateNames = "pending, parked, done";

// Of an event its position in the workspace; of a ping this bit and the time (ms) it was asked for.
using DeliveryNumber = std::uint64_t;
inline constexpr DeliveryNumber kPingBit = std::uint64_t{1} << 63;

struct Delivery {
  DeliveryNumber number = 0;
  DeliveryKind kind = DeliveryKind::event;
  EventType type = EventType::task_created;  // of a ping without meaning
  TaskId task;
  EventId event;
  Timestamp time;  // of the event
  std::uint32_t attempts = 0;
  Timestamp due;             // of the next attempt
  Timestamp last_attempt;    // 0: none yet
  std::uint16_t status = 0;  // of the last response; 0: none came
  std::string error;         // why the last attempt failed; empty: it did not
  friend bool operator==(const Delivery&, const Delivery&) = default;
  [[nodiscard]] bool is_ping() const { return number & kPingBit; }
};

// Byte format, integers big-endian:
//   format:u8=1 kind:u8 type:u8 status:u16 attempts:u32 number:u64 task:16 event:16 time:i64 due:i64 last:i64
//   error:rest
[[nodiscard]] std::string encode(const Delivery& delivery);
[[nodiscard]] std::optional<Delivery> decode(std::string_view bytes);

// The webhook-id of a message, the same for each attempt, redelivery and replay: `msg_`, the hash (UUIDv5) of webhook
// and event as 32 hexadecimal digits, `_`, and where it stands (`p` and a time for pings).
[[nodiscard]] std::string message_id(const WebhookId& webhook, const Delivery& delivery);
[[nodiscard]] std::optional<DeliveryNumber> parse_message_id(std::string_view id);

// Whether the record is an event that webhooks are told about: not imported, not an erasure. And one whose payload is
// there to be sent.
[[nodiscard]] bool is_wanted(const storage::Record& record, WebhookTypes types);
[[nodiscard]] bool is_deliverable(const storage::Record& record, WebhookTypes types);
[[nodiscard]] Delivery delivery_of(const storage::Record& record, const WorkspaceId& workspace);
// `{"type":"task.created","timestamp":…,"data":event line}`
[[nodiscard]] std::string event_body(const storage::Record& record, const WorkspaceId& workspace);
// `{"type":"ping","timestamp":…,"data":{"webhook_id":…}}`
[[nodiscard]] std::string ping_body(const WebhookId& webhook, Timestamp time);

}  // namespace taskledger::reactors
