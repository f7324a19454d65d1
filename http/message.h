// One request and its reply, between the session (bytes, sockets, limits) and the service (routes, meaning).
// A RequestHead's views live as long as the session's buffers: until the reply has been handed back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace taskledger::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };

struct RequestHead {
  Method method = Method::other;
  std::string_view target;  // as sent; the origin form "/path?query"
  std::string_view authorization, content_type, if_match, if_none_match, idempotency_key, min_position, last_event_id,
      traceparent, request_id, origin, access_control_request_method;
  std::uint16_t repeated = 0;  // of those above (Idempotency-Key twice, say), a bit each: kept_headers.h
  bool has_idempotency_key = false, has_if_match = false, has_min_position = false, has_authorization = false;
  bool has_body = false;  // Content-Length > 0 or chunked
  std::optional<std::uint64_t> content_length;
  std::string_view remote_address;
};

struct Reply {
  unsigned status = 200;
  std::string body;  // empty: none (204, 304, and HEAD is the session's to leave out)
  // Text that the body has at `shared_at`, where many answers share it; null: none. It is sent from where it is.
  std::shared_ptr<const std::string> shared;
  std::size_t shared_at = 0;
  std::string_view content_type = "application/json";
  std::string headers;  // ready "Name: value\r\n" lines beside Content-*, Connection, Date
  bool close = false;   // end the connection after it

  [[nodiscard]] std::size_t body_size() const { return body.size() + (shared ? shared->size() : 0); }
  [[nodiscard]] std::string_view before_shared() const {
    return std::string_view(body).substr(0, shared ? shared_at : body.size());
  }
  [[nodiscard]] std::string_view after_shared() const {
    return std::string_view(body).substr(shared ? shared_at : body.size());
  }
};

}  // namespace taskledger::http
