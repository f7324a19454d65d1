// The address of a webhook endpoint: an absolute http or https URL, split into what a client needs. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace taskledger::reactors {

inline constexpr std::size_t kMaxUrlBytes = 2048;

struct Url {
  bool secure = false;      // https
  std::string host;         // lower case; an IPv6 address without its brackets
  std::uint16_t port = 80;  // the scheme's own unless given
  std::string target;       // path and query; "/" at least
  [[nodiscard]] bool is_ipv6() const { return host.find(':') != host.npos; }
  // What the Host header says: the port only where it is not the scheme's own.
  [[nodiscard]] std::string authority() const;
};

// `host` is a DNS name, four decimal numbers, or an IPv6 address in brackets; other spellings of IPv4 addresses
// (0x7f.1, 2130706433) are refused, as are credentials, fragments, and whatever is not visible ASCII. Messages begin
// `Field 'url' …`.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

}  // namespace taskledger::reactors
