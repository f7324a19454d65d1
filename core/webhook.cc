#include "core/webhook.h"

#include <array>
#include <limits>
#include <utility>

#include "core/base64.h"
#include "core/json_reader.h"
#include "core/text.h"

namespace taskledger {
namespace {

// Payloads, all JSON objects with the keys in this order; `secret` is the base64 of the sealed bytes.
//   {"type":"WebhookCreated","workspace":N,"workspace_id":UUID,"url":"…","types":["task.created",…],"secret":"…","after":N}
//   {"type":"WebhookDeleted"}  {"type":"WebhookPaused","reason":"…"}  {"type":"WebhookResumed"}
//   {"type":"WebhookSecretRotated","secret":"…"}  {"type":"WebhookReplayRequested","after":N}

constexpr std::array<std::pair<EventType, std::string_view>, 6> kTypes{{{EventType::task_created, "task.created"},
                                                                        {EventType::task_updated, "task.updated"},
                                                                        {EventType::task_completed, "task.completed"},
                                                                        {EventType::task_reopened, "task.reopened"},
                                                                        {EventType::task_deleted, "task.deleted"},
                                                                        {EventType::task_restored, "task.restored"}}};

std::string payload_of(std::monostate) { return "{}"; }
std::string payload_of(const WebhookCreated& event) {
  std::string out = R"({"type":"WebhookCreated","workspace":)" + std::to_string(event.workspace.value);
  out += R"(,"workspace_id":")" + to_string(event.workspace_id) + R"(","url":)";
  append_json_string(out, event.url);
  out += R"(,"types":)";
  append_webhook_types_json(out, event.types);
  out += R"(,"secret":")" + to_base64(event.sealed_secret) + R"(","after":)" + std::to_string(event.after.value) + '}';
  return out;
}
std::string payload_of(const WebhookDeleted&) { return R"({"type":"WebhookDeleted"})"; }
std::string payload_of(const WebhookPaused& event) {
  std::string out = R"({"type":"WebhookPaused","reason":)";
  append_json_string(out, event.reason);
  return out + '}';
}
std::string payload_of(const WebhookResumed&) { return R"({"type":"WebhookResumed"})"; }
std::string payload_of(const WebhookSecretRotated& event) {
  return R"({"type":"WebhookSecretRotated","secret":")" + to_base64(event.sealed_secret) + R"("})";
}
std::string payload_of(const WebhookReplayRequested& event) {
  return R"({"type":"WebhookReplayRequested","after":)" + std::to_string(event.after.value) + '}';
}

Invalid damaged(std::string_view field) {
  return {"webhook record: '" + std::string(field) + "' is missing or malformed"};
}

std::optional<std::string_view> text_of(const json::Object& object, std::string_view key) {
  std::string_view value;
  if (object[key].get(value)) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> number_of(const json::Object& object, std::string_view key) {
  std::uint64_t value;
  if (object[key].get(value)) return std::nullopt;
  return value;
}

// A name this version does not know is left out: a newer version registered it.
std::optional<WebhookTypes> types_of(const json::Object& object) {
  json::Array names;
  if (object["types"].get(names)) return std::nullopt;
  WebhookTypes types;
  for (const json::Element name : names) {
    std::string_view text;
    if (name.get(text)) return std::nullopt;
    if (const auto type = parse_webhook_type(text)) types.add(*type);
  }
  return types;
}

Result<std::string> secret_of(const json::Object& object) {
  auto sealed = from_base64(text_of(object, "secret").value_or(""));
  if (!sealed || sealed->empty()) return damaged("secret");
  return {boost::system::in_place_value, *std::move(sealed)};
}

Result<WebhookEvent> parse_created(const json::Object& object) {
  WebhookCreated event;
  const auto workspace = number_of(object, "workspace");
  if (!workspace || *workspace > std::numeric_limits<std::uint32_t>::max()) return damaged("workspace");
  event.workspace = {static_cast<std::uint32_t>(*workspace)};
  const auto id = parse_uuid(text_of(object, "workspace_id").value_or(""));
  if (!id) return damaged("workspace_id");
  event.workspace_id = {*id};
  const auto url = text_of(object, "url");
  if (!url) return damaged("url");
  event.url = *url;
  const auto types = types_of(object);
  if (!types) return damaged("types");
  event.types = *types;
  auto secret = secret_of(object);
  if (!secret) return secret.error();
  event.sealed_secret = *std::move(secret);
  const auto after = number_of(object, "after");
  if (!after) return damaged("after");
  event.after = {*after};
  return WebhookEvent(std::move(event));
}

Result<WebhookTypes> read_types(const json::Path& path, const json::Element& value) {
  json::Array names;
  if (value.get(names)) return json::fault(path, "must be an array");
  WebhookTypes types;
  std::size_t index = 0;
  for (const json::Element name : names) {
    const json::Path here = path[index++];
    auto type = json::read_member(here, name, parse_webhook_type, kWebhookTypeNames);
    if (!type) return type.error();
    if (types.has(*type)) return json::fault(here, "is given twice");
    types.add(*type);
  }
  if (types.bits == 0) return json::fault(path, "must name at least one type");
  return types;
}

Result<json::Object> object_of(const json::Document& document) {
  json::Object object;
  if (!document.root()) return Invalid{"Body " + std::string(document.requirement())};
  if (document.root()->get(object)) return Invalid{"Body must be a JSON object"};
  return object;
}

}  // namespace

WebhookTypes WebhookTypes::all() {
  WebhookTypes types;
  for (const auto& [type, name] : kTypes) types.add(type);
  return types;
}

std::string_view webhook_type_name(EventType type) noexcept {
  for (const auto& [known, name] : kTypes) {
    if (known == type) return name;
  }
  return {};
}

std::optional<EventType> parse_webhook_type(std::string_view name) noexcept {
  for (const auto& [type, known] : kTypes) {
    if (known == name) return type;
  }
  return std::nullopt;
}

void append_webhook_types_json(std::string& out, WebhookTypes types) {
  out += '[';
  bool first = true;
  for (const auto& [type, name] : kTypes) {
    if (!types.has(type)) continue;
    out += first ? "\"" : ",\"";
    first = false;
    out += name;
    out += '"';
  }
  out += ']';
}

Result<WebhookRequest> parse_webhook_request(std::string_view text) {
  const json::Document document(text);
  const auto object = object_of(document);
  if (!object) return object.error();
  constexpr std::array<std::string_view, 2> kNames{"url", "types"};
  WebhookRequest request;
  std::uint64_t seen = 0;
  bool has_url = false;
  auto visit = [&](std::size_t index, const json::Path& path, const json::Element& value) -> Result<void> {
    if (value.is_null()) return {};  // as if absent
    if (index == 0) {
      const auto url = json::read_string(path, value);
      if (!url) return url.error();
      request.url = *url;
      has_url = true;
    } else {
      const auto types = read_types(path, value);
      if (!types) return types.error();
      request.types = *types;
    }
    return {};
  };
  if (auto done = json::read_object(json::kFields, *object, kNames, seen, visit); !done) return done.error();
  if (!has_url) return json::fault(json::kFields / "url", "is required");
  return request;
}

Result<WorkspacePosition> parse_replay_request(std::string_view text) {
  const json::Document document(text);
  const auto object = object_of(document);
  if (!object) return object.error();
  constexpr std::array<std::string_view, 1> kNames{"after"};
  std::optional<WorkspacePosition> after;
  std::uint64_t seen = 0;
  auto visit = [&](std::size_t, const json::Path& path, const json::Element& value) -> Result<void> {
    if (value.is_null()) return {};  // as if absent
    if (value.get(after.emplace().value)) return json::fault(path, "must be an integer of at least 0");
    return {};
  };
  if (auto done = json::read_object(json::kFields, *object, kNames, seen, visit); !done) return done.error();
  if (!after) return json::fault(json::kFields / "after", "is required");
  return *after;
}

std::string webhook_payload(const WebhookEvent& event) {
  return std::visit([](const auto& known) { return payload_of(known); }, event);
}

Result<WebhookEvent> parse_webhook_payload(std::string_view text) {
  // The server writes "type" first; most records of the system are about something else and need no parsing.
  if (!text.starts_with(R"({"type":"Webhook)")) return WebhookEvent();
  const json::Document document(text);
  const auto object = object_of(document);
  if (!object) return Invalid{"webhook record is no JSON object"};
  const std::string_view type = text_of(*object, "type").value_or("");
  if (type == "WebhookCreated") return parse_created(*object);
  if (type == "WebhookDeleted") return WebhookEvent(WebhookDeleted{});
  if (type == "WebhookPaused") return WebhookEvent(WebhookPaused{std::string(text_of(*object, "reason").value_or(""))});
  if (type == "WebhookResumed") return WebhookEvent(WebhookResumed{});
  if (type == "WebhookSecretRotated") {
    auto secret = secret_of(*object);
    if (!secret) return secret.error();
    return WebhookEvent(WebhookSecretRotated{*std::move(secret)});
  }
  if (type == "WebhookReplayRequested") {
    const auto after = number_of(*object, "after");
    if (!after) return damaged("after");
    return WebhookEvent(WebhookReplayRequested{{*after}});
  }
  return WebhookEvent();
}

}  // namespace taskledger
