#include "reactors/address_policy.h"

#include <array>
#include <cstdint>

namespace taskledger::reactors {
namespace {

namespace ip = boost::asio::ip;

struct Block4 {
  std::uint32_t first;
  int bits;
};
constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) { return a << 24 | b << 16 | c << 8 | d; }
// The special-purpose registry of IANA (RFC 6890 and later).
constexpr std::array kSpecial4{
    Block4{v4(0, 0, 0, 0), 8},       Block4{v4(10, 0, 0, 0), 8},     Block4{v4(100, 64, 0, 0), 10},
    Block4{v4(127, 0, 0, 0), 8},     Block4{v4(169, 254, 0, 0), 16}, Block4{v4(172, 16, 0, 0), 12},
    Block4{v4(192, 0, 0, 0), 24},    Block4{v4(192, 0, 2, 0), 24},   Block4{v4(192, 31, 196, 0), 24},
    Block4{v4(192, 52, 193, 0), 24}, Block4{v4(192, 88, 99, 0), 24}, Block4{v4(192, 168, 0, 0), 16},
    Block4{v4(192, 175, 48, 0), 24}, Block4{v4(198, 18, 0, 0), 15},  Block4{v4(198, 51, 100, 0), 24},
    Block4{v4(203, 0, 113, 0), 24},  Block4{v4(224, 0, 0, 0), 4},    Block4{v4(240, 0, 0, 0), 4}};

bool is_public4(ip::address_v4 address) {
  const std::uint32_t bits = address.to_uint();
  for (const Block4& block : kSpecial4) {
    if ((bits ^ block.first) >> (32 - block.bits) == 0) return false;
  }
  return true;
}

// All that is global unicast is 2000::/3; of it what is special again is left out. Mapped (::ffff:0:0/96), compatible
// and NAT64 (64:ff9b::/96) addresses, unique local, link-local and multicast ones are outside.
bool is_public6(const ip::address_v6& address) {
  const auto bytes = address.to_bytes();
  if (bytes[0] >> 5 != 1) return false;
  const auto word = [&](std::size_t i) { return static_cast<unsigned>(bytes[2 * i] << 8 | bytes[2 * i + 1]); };
  if (word(0) == 0x2001 && word(1) < 0x0200) return false;   // 2001::/23: Teredo, ORCHID, benchmarking …
  if (word(0) == 0x2001 && word(1) == 0x0db8) return false;  // documentation
  if (word(0) == 0x2002) return false;                       // 6to4
  if (word(0) == 0x3fff && word(1) < 0x1000) return false;   // documentation
  return true;
}

bool is_under(std::string_view host, std::string_view name) {
  if (host == name) return true;
  return host.size() > name.size() && host.ends_with(name) && host[host.size() - name.size() - 1] == '.';
}

}  // namespace

bool is_public(const ip::address& address) {
  return address.is_v4() ? is_public4(address.to_v4()) : is_public6(address.to_v6());
}

bool is_allowed(const ip::address& address, bool allow_private) {
  if (!allow_private) return is_public(address);
  if (address.is_multicast() || address.is_unspecified()) return false;
  return !address.is_v4() || (address.to_v4().to_uint() != 0xffffffff && address.to_v4().to_uint() >> 24 != 0);
}

bool is_local_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return is_under(host, "localhost") || is_under(host, "local") || is_under(host, "internal");
}

}  // namespace taskledger::reactors
