// What a request's head is checked for beside route, token and scope. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/message.h"

namespace taskledger::http {

[[nodiscard]] Reply unauthorized(const RequestHead& head);
// 415 for a body of another type than JSON in UTF-8, 413 for one whose announced length is beyond `limit`.
// The type of a chunked body is left to check_chunked: there may turn out to be none.
[[nodiscard]] std::optional<Reply> check_body(const RequestHead& head, std::uint64_t limit);
[[nodiscard]] std::optional<Reply> check_chunked(const RequestHead& head, std::string_view body);
// 400 for a header that may come once and came twice, and for an X-Min-Position that is no position.
[[nodiscard]] std::optional<Reply> check_headers(const RequestHead& head);

}  // namespace taskledger::http
