// The request headers that a RequestHead keeps, and which of them came more than once. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "http/message.h"

namespace taskledger::http {

struct KeptHeader {
  std::string_view name;
  std::string_view RequestHead::*value;
};
inline constexpr std::array kKeptHeaders{
    KeptHeader{"Authorization", &RequestHead::authorization},
    KeptHeader{"Content-Type", &RequestHead::content_type},
    KeptHeader{"If-Match", &RequestHead::if_match},
    KeptHeader{"If-None-Match", &RequestHead::if_none_match},
    KeptHeader{"Idempotency-Key", &RequestHead::idempotency_key},
    KeptHeader{"X-Min-Position", &RequestHead::min_position},
    KeptHeader{"Last-Event-ID", &RequestHead::last_event_id},
    KeptHeader{"traceparent", &RequestHead::traceparent},
    KeptHeader{"X-Request-Id", &RequestHead::request_id},
    KeptHeader{"Origin", &RequestHead::origin},
    KeptHeader{"Access-Control-Request-Method", &RequestHead::access_control_request_method},
};
static_assert(kKeptHeaders.size() <= 16, "RequestHead::repeated has a bit for each");

[[nodiscard]] constexpr std::size_t index_of(std::string_view RequestHead::*value) {
  std::size_t index = 0;
  while (kKeptHeaders[index].value != value) ++index;
  return index;
}
constexpr void set_repeated(RequestHead& head, std::size_t index) {
  head.repeated = static_cast<std::uint16_t>(head.repeated | 1u << index);
}
// Whether the header was sent more than once; its value is the first one's.
[[nodiscard]] constexpr bool is_repeated(const RequestHead& head, std::string_view RequestHead::*value) {
  return (head.repeated >> index_of(value) & 1u) != 0;
}

}  // namespace taskledger::http
