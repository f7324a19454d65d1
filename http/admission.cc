#include "http/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "http/errors.h"
#include "http/kept_headers.h"
#include "http/min_position.h"

namespace taskledger::http {
namespace {

// Their meaning would be in doubt if they came twice; what else is repeated is nobody's concern.
constexpr std::array kOnce{&RequestHead::content_type,  &RequestHead::idempotency_key, &RequestHead::if_match,
                           &RequestHead::if_none_match, &RequestHead::min_position,    &RequestHead::last_event_id};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view strip(std::string_view text) {
  const auto start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

// application/json, with any parameters but another charset than UTF-8.
bool is_json(std::string_view content_type) {
  auto rest = content_type;
  const auto next = [&rest] {
    const auto end = std::min(rest.find(';'), rest.size());
    const auto part = strip(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
  };
  if (!equal_ignoring_case(next(), "application/json")) return false;
  while (!rest.empty()) {
    const auto parameter = next();
    const auto equals = std::min(parameter.find('='), parameter.size());
    if (!equal_ignoring_case(strip(parameter.substr(0, equals)), "charset")) continue;
    auto charset = strip(parameter.substr(std::min(equals + 1, parameter.size())));
    if (charset.size() >= 2 && charset.front() == '"' && charset.back() == '"')
      charset = charset.substr(1, charset.size() - 2);
    if (!equal_ignoring_case(charset, "utf-8") && !equal_ignoring_case(charset, "utf8")) return false;
  }
  return true;
}

Reply wrong_type() { return error_reply(415, "Header 'Content-Type' must be application/json"); }

}  // namespace

Reply unauthorized(const RequestHead& head) {
  return error_reply(401, head.authorization.empty() ? "Header 'Authorization' with a bearer token is required"
                                                     : "The bearer token is not valid");
}

std::optional<Reply> check_body(const RequestHead& head, std::uint64_t limit) {
  if (!head.has_body || !head.content_length) return std::nullopt;
  if (!is_json(head.content_type)) return wrong_type();
  if (*head.content_length > limit) {
    return error_reply(413, "Body must be at most " + std::to_string(limit) + " bytes long");
  }
  return std::nullopt;
}

std::optional<Reply> check_chunked(const RequestHead& head, std::string_view body) {
  if (body.empty() || !head.has_body || head.content_length || is_json(head.content_type)) return std::nullopt;
  return wrong_type();
}

std::optional<Reply> check_headers(const RequestHead& head) {
  for (const auto header : kOnce) {
    if (!is_repeated(head, header)) continue;
    return error_reply(400, fmt::format("Header '{}' is given twice", kKeptHeaders[index_of(header)].name));
  }
  if (head.has_min_position && !min_position_of(head)) {
    return error_reply(400, "Header 'X-Min-Position' must be a non-negative integer");
  }
  return std::nullopt;
}

}  // namespace taskledger::http
