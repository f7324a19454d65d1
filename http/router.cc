#include "http/router.h"

#include <algorithm>

namespace taskledger::http {
namespace {

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

// Calls `each(index, segment)` for the parts after each slash; returns how many there are, 0 when there is no first
// one.
template <class Each>
std::size_t split(std::string_view path, const Each& each) {
  if (!path.starts_with('/')) return 0;
  std::size_t count = 0;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    each(count++, path.substr(0, end));
    path.remove_prefix(end);
  }
  return count;
}

}  // namespace

std::string_view name_of(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::del:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      break;
  }
  return "";
}

Router::Router(std::span<const Route> routes) {
  for (const Route& route : routes) {
    std::vector<std::string_view> segments;
    split(route.pattern, [&](std::size_t, std::string_view segment) { segments.push_back(segment); });
    auto& addresses = by_length_.at(segments.size());
    auto address =
        std::find_if(addresses.begin(), addresses.end(), [&](const Address& a) { return a.pattern == route.pattern; });
    if (address == addresses.end()) address = addresses.insert(address, {route.pattern, std::move(segments), {}, {}});
    address->by_method[static_cast<std::size_t>(route.method)] = &route;
    if (route.method == Method::get) address->by_method[static_cast<std::size_t>(Method::head)] = &route;
  }
  for (auto& addresses : by_length_) {
    // At the first difference a literal goes before a parameter ('{' sorts after letters, and is compared first).
    std::sort(addresses.begin(), addresses.end(), [](const Address& a, const Address& b) {
      for (std::size_t i = 0; i < a.segments.size(); ++i) {
        const bool x = is_parameter(a.segments[i]), y = is_parameter(b.segments[i]);
        if (x != y) return y;
        if (a.segments[i] != b.segments[i]) return a.segments[i] < b.segments[i];
      }
      return false;
    });
    for (auto& address : addresses) {
      for (std::size_t m = 0; m < address.by_method.size(); ++m) {
        if (!address.by_method[m]) continue;
        if (!address.allow.empty()) address.allow += ", ";
        address.allow += name_of(static_cast<Method>(m));
      }
    }
  }
}

Router::Match Router::match(Method method, std::string_view path) const {
  std::array<std::string_view, kMaxSegments> segments;
  const auto count = split(path, [&](std::size_t i, std::string_view segment) {
    if (i < kMaxSegments) segments[i] = segment;
  });
  if (count == 0 || count > kMaxSegments) return {};
  for (const Address& address : by_length_[count]) {
    bool same = true;
    // From the end: the first segments are the same for most.
    for (std::size_t i = count; same && i-- > 0;) {
      const auto& pattern = address.segments[i];
      same = is_parameter(pattern) ? !segments[i].empty() : pattern == segments[i];
    }
    if (same) return {address.by_method[static_cast<std::size_t>(method)], &address.allow};
  }
  return {};
}

PathValues Router::path_values(const Route& route, std::string_view path) {
  PathValues values;
  std::size_t found = 0;
  auto pattern = route.pattern;
  if (pattern.find('{') == std::string_view::npos) return values;
  while (!pattern.empty() && !path.empty() && found < values.size()) {
    pattern.remove_prefix(1);
    path.remove_prefix(1);
    const auto pattern_end = std::min(pattern.find('/'), pattern.size());
    const auto end = std::min(path.find('/'), path.size());
    if (pattern.starts_with('{')) values[found++] = path.substr(0, end);
    pattern.remove_prefix(pattern_end);
    path.remove_prefix(end);
  }
  return values;
}

}  // namespace taskledger::http
