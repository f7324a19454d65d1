#include "reactors/url.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <optional>

namespace taskledger::reactors {
namespace {

namespace ip = boost::asio::ip;

Invalid bad(std::string_view why) { return {"Field 'url' " + std::string(why)}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_character(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_'; }

// A DNS name: labels of 1 to 63 characters, 253 in all; one dot may end it.
bool is_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > 253) return false;
  while (true) {
    const std::size_t dot = host.find('.');
    const std::string_view label = host.substr(0, dot);
    if (label.empty() || label.size() > 63 || !std::all_of(label.begin(), label.end(), is_name_character)) return false;
    if (dot == host.npos) return true;
    host.remove_prefix(dot + 1);
  }
}

// Names that resolvers read as numbers, by the URL standard's rule: the last label is a number, decimal or 0x….
bool ends_in_number(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (last.empty()) return false;
  if (std::all_of(last.begin(), last.end(), is_digit)) return true;
  return last.starts_with("0x") &&
         std::all_of(last.begin() + 2, last.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

// Reads host and port of `authority` into `url`.
Result<void> read_authority(std::string_view authority, Url& url) {
  std::string_view rest;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == authority.npos) return bad("has an unfinished IPv6 address");
    boost::system::error_code error;
    const auto address = ip::make_address_v6(std::string(authority.substr(1, end - 1)), error);
    if (error || address.scope_id() != 0) return bad("has a malformed IPv6 address");
    url.host = address.to_string();
    rest = authority.substr(end + 1);
  } else {
    const std::size_t colon = authority.find(':');
    url.host = authority.substr(0, colon);
    std::transform(url.host.begin(), url.host.end(), url.host.begin(), lower);
    if (colon != authority.npos) rest = authority.substr(colon);
    if (ends_in_number(url.host)) {
      boost::system::error_code error;
      const auto address = ip::make_address_v4(url.host, error);
      if (error || address.to_string() != url.host) return bad("must write an IPv4 address as four decimal numbers");
    } else if (!is_name(url.host)) {
      return bad("has no valid host");
    }
  }
  if (rest.empty() || rest == ":") return {};
  if (rest.front() != ':') return bad("has no valid host");
  const auto port = parse_port(rest.substr(1));
  if (!port) return bad("must have a port of 1 to 65535");
  url.port = *port;
  return {};
}

}  // namespace

std::string Url::authority() const {
  std::string out = is_ipv6() ? '[' + host + ']' : host;
  if (port != (secure ? 443 : 80)) out += ':' + std::to_string(port);
  return out;
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrlBytes) return bad("must be at most " + std::to_string(kMaxUrlBytes) + " bytes");
  for (const char c : text) {
    if (c <= ' ' || c > '~') return bad("must be visible ASCII; encode other characters");
  }
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == text.npos) return bad("must be an absolute http or https URL");
  std::string scheme(text.substr(0, scheme_end));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
  Url url;
  if (scheme == "https") {
    url.secure = true;
    url.port = 443;
  } else if (scheme != "http") {
    return bad("must be an absolute http or https URL");
  }
  text.remove_prefix(scheme_end + 3);
  if (text.find('#') != text.npos) return bad("must not have a fragment");
  if (text.find('\\') != text.npos) return bad("must not have a backslash");
  const std::size_t path = text.find_first_of("/?");
  const std::string_view authority = text.substr(0, path);
  if (authority.find('@') != authority.npos) return bad("must not have a user name or password");
  if (auto done = read_authority(authority, url); !done) return done.error();
  if (path != text.npos) url.target = text.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

}  // namespace taskledger::reactors
