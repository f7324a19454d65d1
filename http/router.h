// From method and path to a row of the route table. A literal segment goes before a parameter; a trailing slash is
// another address. Immutable once built; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/access.h"
#include "http/handlers.h"
#include "http/message.h"

namespace taskledger::http {

enum class Access : std::uint8_t { open, token, scope };  // no token; any token; a token with the route's scope

// One row. `quick` answers on the io thread, or leaves it to `slow`; at least one is given.
struct Route {
  Method method = Method::get;
  std::string_view pattern;  // "/api/v1/tasks/{id}"
  Access access = Access::scope;
  Scope scope = Scope::tasks_read;
  std::uint64_t body_limit = 64 * 1024;
  QuickHandler quick = nullptr;
  SlowHandler slow = nullptr;
};

[[nodiscard]] std::string_view name_of(Method method);  // "GET"; "" for what no route has

// The API's table (routes.cc).
[[nodiscard]] std::span<const Route> all_routes();

class Router {
 public:
  explicit Router(std::span<const Route> routes);

  struct Match {
    const Route* route = nullptr;        // null: no such address, or, when `allow` is given, no such method there
    const std::string* allow = nullptr;  // "GET, HEAD, PUT"; null: no such address
  };
  [[nodiscard]] Match match(Method method, std::string_view path) const;
  // The segments that stand where the route's pattern has parameters.
  [[nodiscard]] static PathValues path_values(const Route& route, std::string_view path);

 private:
  struct Address {
    std::string_view pattern;
    std::vector<std::string_view> segments;
    std::array<const Route*, 8> by_method{};
    std::string allow;
  };
  static constexpr std::size_t kMaxSegments = 8;
  std::array<std::vector<Address>, kMaxSegments + 1> by_length_;  // literal ones first
};

}  // namespace taskledger::http
