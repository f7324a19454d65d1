// The head of an answer, as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/timestamp.h"
#include "http/message.h"

namespace taskledger::http {

enum class Ending : std::uint8_t { length, chunked, until_close };  // how the peer knows where the body ends

struct HeadOptions {
  Ending ending = Ending::length;
  bool close = false;
  bool keep_alive_http_1_0 = false;  // an HTTP/1.0 client must be told that the connection stays
  std::string_view date_line;        // "Date: …\r\n" or nothing
  std::string_view standard_lines;   // likewise
  std::string_view request_id;       // empty: no X-Request-Id
};

// Appends status line, Content-Type, Content-Length or Transfer-Encoding, Connection, Date, reply.headers as they are,
// and the empty line.
void append_reply_head(std::string& out, const Reply& reply, const HeadOptions& options);
// Of 1xx, 204 and 304 there is none, whatever the reply holds.
[[nodiscard]] bool has_body(const Reply& reply);
// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
[[nodiscard]] std::string date_line(Timestamp time);

}  // namespace taskledger::http
