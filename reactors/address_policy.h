// Which addresses a webhook may be sent to: those of the public internet, so that nobody makes the server knock at the
// doors of its own network. Checked on the address connected to, after DNS, each time. Pure.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <string_view>

namespace taskledger::reactors {

// A global unicast address that is nobody's private, loopback, link-local, shared, reserved, documentation or
// benchmarking one, nor an IPv6 address that stands for an IPv4 one (mapped, NAT64, 6to4, Teredo).
[[nodiscard]] bool is_public(const boost::asio::ip::address& address);
// With `allow_private` whatever a connection can be made to: all but multicast, broadcast and the unspecified address.
[[nodiscard]] bool is_allowed(const boost::asio::ip::address& address, bool allow_private);
// "localhost" and names under it, which are this machine by definition (RFC 6761), and under ".local" and ".internal".
[[nodiscard]] bool is_local_name(std::string_view host);

}  // namespace taskledger::reactors
