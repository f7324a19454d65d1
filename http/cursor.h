// Cursors: where a page ended, sealed. What a cursor is bound to (workspace, and the meaning of the other parameters)
// goes into its code and not into its text, so that one used elsewhere fails like one that was altered.
//   cursor   base64url without padding of: payload | code (16 bytes)
//   payload  format (1 byte: 1) | now (8, big-endian ms) | task id (16) | count (1) | value…
//   value    0 | 1, number (8, big-endian) | 2, length (2, big-endian), bytes
//   code     the first 16 bytes of HMAC-SHA256(key, workspace (4, big-endian) | fingerprint (16) | payload)
// Immutable; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ids.h"
#include "core/query.h"
#include "http/hmac.h"

namespace taskledger::http {

using Fingerprint = std::array<std::uint8_t, 16>;  // of what the parameters mean

struct PageEnd {
  Timestamp now;  // of the first page
  SortPosition after;
  friend bool operator==(const PageEnd&, const PageEnd&) = default;
};

class Cursors {
 public:
  explicit Cursors(std::string_view key) : seal_(key) {}
  void append(std::string& out, WorkspaceNumber workspace, const Fingerprint& fingerprint, const PageEnd& end) const;
  // nullopt: malformed, altered, or made for something else.
  [[nodiscard]] std::optional<PageEnd> open(std::string_view cursor, WorkspaceNumber workspace,
                                            const Fingerprint& fingerprint) const;

 private:
  using Code = std::array<char, 16>;
  [[nodiscard]] Code code(WorkspaceNumber workspace, const Fingerprint& fingerprint, std::string_view payload) const;
  HmacSha256 seal_;
};

}  // namespace taskledger::http
