// The one place where what goes wrong in any layer becomes a reply: `{"error": true, "code": "…", "message": "…"}`.
// Pure; any thread. Messages may be any bytes: what is not valid UTF-8 is shown as '?'.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "commands/command_handler.h"
#include "core/result.h"
#include "core/task_json.h"
#include "http/message.h"
#include "storage/event_log.h"

namespace taskledger::reactors {
struct WebhookFailure;
}

namespace taskledger::http {

// The contract's code for a status: "VALIDATION_ERROR" for 400 and so on.
[[nodiscard]] std::string_view code_of(unsigned status) noexcept;
[[nodiscard]] Reply error_reply(unsigned status, std::string_view message);
// 404 for an address that no route has; error_reply(404, …) is for records.
[[nodiscard]] Reply unknown_route();
[[nodiscard]] Reply too_many_requests(std::string_view policy, std::uint64_t retry_after_seconds);

[[nodiscard]] Reply reply_of(const Invalid& error);
[[nodiscard]] Reply reply_of(const BatchInvalid& error);
[[nodiscard]] Reply reply_of(const commands::Failure& failure);
[[nodiscard]] Reply reply_of(storage::AppendError error);
[[nodiscard]] Reply reply_of(const reactors::WebhookFailure& failure);
// Logged here, with its cause; the reply says nothing of it.
[[nodiscard]] Reply reply_of(const storage::ReadError& error);

inline constexpr std::string_view kTaskNotFound = "Task not found";

}  // namespace taskledger::http
