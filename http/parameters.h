// The query string, decoded: percent-decoding, '+' is a space. What is no valid UTF-8, a broken escape, a parameter the
// route does not know and one given twice are refused by name. A known parameter with an empty value is as if absent.
// Owns what it had to decode; other values view the query. Not movable, since values point into it.
#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/ids.h"
#include "core/result.h"
#include "core/time_zone.h"

namespace taskledger::http {

class Parameters {
 public:
  static constexpr std::size_t kMaxKnown = 24;

  Parameters() = default;
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  // Once. `known` outlives this (a constant).
  [[nodiscard]] Result<void> parse(std::string_view query, std::span<const std::string_view> known);

  // Empty: absent.
  [[nodiscard]] std::string_view operator[](std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return !(*this)[name].empty(); }

  // Values of a kind; absent stays absent.
  [[nodiscard]] Result<std::optional<Uuid>> uuid(std::string_view name) const;
  // 1 to 100; above is 100; absent is 20.
  [[nodiscard]] Result<std::uint32_t> limit() const;
  // A non-negative integer; one that 64 bits do not hold is the largest they do.
  [[nodiscard]] Result<std::optional<std::uint64_t>> count(std::string_view name) const;
  [[nodiscard]] Result<std::optional<TimeInput>> time(std::string_view name, const TimeZone& zone) const;
  // The request's zone: `timezone`, or the token's.
  [[nodiscard]] Result<TimeZone> zone(const TimeZone& of_token) const;

 private:
  [[nodiscard]] std::optional<std::string_view> decode(std::string_view text);

  std::span<const std::string_view> known_;
  std::array<std::string_view, kMaxKnown> values_;
  std::string decoded_;
};

[[nodiscard]] Invalid invalid_parameter(std::string_view name, std::string_view what);
// `Parameter 'name' must be one of: …`
[[nodiscard]] Invalid not_one_of(std::string_view name, std::string_view members);
// Digits only; saturates at the largest value.
[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text) noexcept;

// The path and the query of a request target.
struct Target {
  std::string_view path, query;
};
[[nodiscard]] Target split_target(std::string_view target) noexcept;

}  // namespace taskledger::http
