#include "http/cors.h"

#include <algorithm>

namespace taskledger::http {
namespace {

constexpr std::string_view kRequestHeaders =
    "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Min-Position, Last-Event-ID, "
    "X-Request-Id, traceparent";
constexpr std::string_view kExposedHeaders =
    "ETag, Location, Retry-After, X-Position, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, "
    "X-RateLimit-Reset, "
    "X-RateLimit-Policy";

// The first of a comma-separated list, which is taken off it.
std::string_view take_first(std::string_view& origins) {
  const auto end = std::min(origins.find(','), origins.size());
  auto origin = origins.substr(0, end);
  origins.remove_prefix(std::min(end + 1, origins.size()));
  while (origin.starts_with(' ')) origin.remove_prefix(1);
  while (origin.ends_with(' ')) origin.remove_suffix(1);
  return origin;
}

bool is_origin(std::string_view text) {
  if (text == "*" || text == "null") return true;
  const auto colon = text.find("://");
  if (colon == 0 || colon == text.npos || colon + 3 == text.size()) return false;
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && !(c >= 'A' && c <= 'Z'); });
  if (!plain || text.find_first_of("/?#@*", colon + 3) != text.npos) return false;
  const auto host = text.substr(colon + 3);
  const auto port = host.find(':', host.starts_with('[') ? host.find(']') : 0);
  if (port == host.npos) return true;
  const auto digits = host.substr(port + 1);
  return port > 0 && !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
}

}  // namespace

Cors::Cors(std::string_view origins) {
  while (!origins.empty()) {
    const auto origin = take_first(origins);
    if (origin == "*") any_ = true;
    if (!origin.empty()) origins_.emplace_back(origin);
  }
}

std::string_view Cors::first_wrong(std::string_view origins) {
  while (!origins.empty()) {
    const auto origin = take_first(origins);
    if (!origin.empty() && !is_origin(origin)) return origin;
  }
  return {};
}

bool Cors::allows(std::string_view origin) const {
  return any_ || std::find(origins_.begin(), origins_.end(), origin) != origins_.end();
}

void Cors::append_headers(std::string& headers, std::string_view origin) const {
  if (!on()) return;
  if (!any_) headers += "Vary: Origin\r\n";
  if (origin.empty() || !allows(origin)) return;
  headers.append("Access-Control-Allow-Origin: ").append(any_ ? std::string_view("*") : origin).append("\r\n");
  headers.append("Access-Control-Expose-Headers: ").append(kExposedHeaders).append("\r\n");
}

Reply Cors::preflight(const RequestHead& head, std::string_view allow) const {
  Reply reply;
  reply.status = 204;
  reply.headers.append("Allow: ").append(allow).append(", OPTIONS\r\n");
  if (head.access_control_request_method.empty() || !allows(head.origin)) return reply;
  reply.headers.append("Access-Control-Allow-Methods: ").append(allow).append("\r\n");
  reply.headers.append("Access-Control-Allow-Headers: ").append(kRequestHeaders).append("\r\n");
  reply.headers += "Access-Control-Max-Age: 600\r\n";
  return reply;
}

}  // namespace taskledger::http
