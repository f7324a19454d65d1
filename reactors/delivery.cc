#include "reactors/delivery.h"

#include <charconv>

#include "storage/bytes.h"

namespace taskledger::reactors {
namespace {

constexpr std::uint8_t kFormat = 1;

std::string_view as_bytes(const Uuid& id) { return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}; }

EventId event_id_of(const storage::Record& record, const WorkspaceId& workspace) {
  if (record.id != EventId{}) return record.id;
  return derived_event_id(workspace, {record.stream}, record.version);
}

}  // namespace

std::string_view name_of(DeliveryState state) noexcept {
  switch (state) {
    case DeliveryState::pending:
      return "pending";
    case DeliveryState::parked:
      return "parked";
    case DeliveryState::done:
      return "done";
  }
  return {};
}

std::optional<DeliveryState> parse_delivery_state(std::string_view name) noexcept {
  for (const auto state : {DeliveryState::pending, DeliveryState::parked, DeliveryState::done}) {
    if (name_of(state) == name) return state;
  }
  return std::nullopt;
}

std::string encode(const Delivery& delivery) {
  std::string out;
  storage::put_int(out, kFormat);
  storage::put_int(out, static_cast<std::uint8_t>(delivery.kind));
  storage::put_int(out, static_cast<std::uint8_t>(delivery.type));
  storage::put_int(out, delivery.status);
  storage::put_int(out, delivery.attempts);
  storage::put_int(out, delivery.number);
  out += as_bytes(delivery.task.value);
  out += as_bytes(delivery.event.value);
  storage::put_int(out, delivery.time.ms);
  storage::put_int(out, delivery.due.ms);
  storage::put_int(out, delivery.last_attempt.ms);
  out += delivery.error;
  return out;
}

std::optional<Delivery> decode(std::string_view bytes) {
  storage::ByteReader in(bytes);
  if (in.integer<std::uint8_t>() != kFormat) return std::nullopt;
  Delivery delivery;
  delivery.kind = static_cast<DeliveryKind>(in.integer<std::uint8_t>());
  delivery.type = static_cast<EventType>(in.integer<std::uint8_t>());
  delivery.status = in.integer<std::uint16_t>();
  delivery.attempts = in.integer<std::uint32_t>();
  delivery.number = in.integer<std::uint64_t>();
  in.array(delivery.task.value.bytes);
  in.array(delivery.event.value.bytes);
  delivery.time.ms = in.integer<std::int64_t>();
  delivery.due.ms = in.integer<std::int64_t>();
  delivery.last_attempt.ms = in.integer<std::int64_t>();
  if (!in.ok()) return std::nullopt;
  delivery.error = in.rest();
  return delivery;
}

std::string message_id(const WebhookId& webhook, const Delivery& delivery) {
  const Uuid hash = uuid_v5(webhook.value, delivery.event.value.bytes);
  std::string out = "msg_";
  for (const std::uint8_t byte : hash.bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  out += delivery.is_ping() ? "_p" : "_";
  return out + std::to_string(delivery.number & ~kPingBit);
}

std::optional<DeliveryNumber> parse_message_id(std::string_view id) {
  constexpr std::size_t kHead = 4 + 32 + 1;
  if (id.size() <= kHead || !id.starts_with("msg_") || id[kHead - 1] != '_') return std::nullopt;
  id.remove_prefix(kHead);
  const bool ping = id.starts_with('p');
  if (ping) id.remove_prefix(1);
  if (id.starts_with('0')) return std::nullopt;  // numbers begin with 1, and are written in one way
  DeliveryNumber number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size() || (number & kPingBit)) return std::nullopt;
  return ping ? number | kPingBit : number;
}

bool is_wanted(const storage::Record& record, WebhookTypes types) {
  if (record.type == storage::kSystemRecord || record.imported) return false;
  return types.has(static_cast<EventType>(record.type)) &&
         record.type != static_cast<std::uint8_t>(EventType::task_erased);
}

bool is_deliverable(const storage::Record& record, WebhookTypes types) {
  return record.payload && is_wanted(record, types);
}

Delivery delivery_of(const storage::Record& record, const WorkspaceId& workspace) {
  Delivery delivery;
  delivery.number = record.in_workspace.value;
  delivery.type = static_cast<EventType>(record.type);
  delivery.task = {record.stream};
  delivery.event = event_id_of(record, workspace);
  delivery.time = record.time;
  return delivery;
}

std::string event_body(const storage::Record& record, const WorkspaceId& workspace) {
  const auto type = static_cast<EventType>(record.type);
  const EventHeader header{.position = record.in_workspace,
                           .id = event_id_of(record, workspace),
                           .workspace_id = workspace,
                           .task_id = {record.stream},
                           .version = record.version,
                           .type = type,
                           .time = record.time,
                           .actor = record.actor};
  std::string out = R"({"type":")";
  out += webhook_type_name(type);
  out += R"(","timestamp":")";
  append_rfc3339(out, record.time);
  out += R"(","data":)";
  append_event_line(out, header, record.payload);
  out += '}';
  return out;
}

std::string ping_body(const WebhookId& webhook, Timestamp time) {
  std::string out = R"({"type":"ping","timestamp":")";
  append_rfc3339(out, time);
  out += R"(","data":{"webhook_id":")";
  append_uuid(out, webhook.value);
  out += "\"}}";
  return out;
}

}  // namespace taskledger::reactors
