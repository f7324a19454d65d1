#include "http/parameters.h"

#include <algorithm>
#include <limits>

#include "core/text.h"

namespace taskledger::http {
namespace {

constexpr std::uint32_t kDefaultLimit = 20, kMaxLimit = 100;
constexpr std::size_t kMaxShownName = 100;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Whether it stands for itself: ASCII with nothing to decode.
bool is_plain(std::string_view text) {
  unsigned special = 0;
  for (const char c : text) special |= static_cast<unsigned>(c == '%') | static_cast<unsigned>(c == '+') | (c & 0x80U);
  return special == 0;
}

}  // namespace

Invalid invalid_parameter(std::string_view name, std::string_view what) {
  std::string message = "Parameter '";
  std::size_t shown = std::min(name.size(), kMaxShownName);
  while (shown > 0 && shown < name.size() && (static_cast<unsigned char>(name[shown]) & 0xC0) == 0x80) --shown;
  message.append(name.substr(0, shown)).append("' ").append(what);
  return {std::move(message)};
}

Invalid not_one_of(std::string_view name, std::string_view members) {
  return invalid_parameter(name, std::string("must be one of: ").append(members));
}

std::optional<std::uint64_t> parse_count(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  constexpr auto kLargest = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  bool huge = false;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kLargest - digit) / 10) huge = true;
    if (!huge) value = value * 10 + digit;
  }
  return huge ? kLargest : value;
}

Target split_target(std::string_view target) noexcept {
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

// nullopt: a broken escape, or no UTF-8.
std::optional<std::string_view> Parameters::decode(std::string_view text) {
  if (is_plain(text)) return text;
  const std::size_t start = decoded_.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded_.push_back(' ');
    } else if (text[i] != '%') {
      decoded_.push_back(text[i]);
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      decoded_.push_back(static_cast<char>(high << 4 | low));
      i += 2;
    }
  }
  const auto out = std::string_view(decoded_).substr(start);
  if (!is_valid_utf8(out)) return std::nullopt;
  return out;
}

Result<void> Parameters::parse(std::string_view query, std::span<const std::string_view> known) {
  known_ = known.first(std::min(known.size(), kMaxKnown));
  // Decoding never lengthens: one reservation, and views into it stay.
  if (!is_plain(query)) decoded_.reserve(query.size());
  std::uint32_t seen = 0;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const auto raw_name = pair.substr(0, equals);
    const auto name = decode(raw_name);
    if (!name) return invalid_parameter(raw_name, "has a name that is not valid URL-encoded UTF-8");
    const auto index = static_cast<std::size_t>(std::ranges::find(known_, *name) - known_.begin());
    if (index == known_.size()) return invalid_parameter(*name, "is unknown");
    if (seen >> index & 1) return invalid_parameter(*name, "is given twice");
    seen |= std::uint32_t{1} << index;
    const auto value = decode(equals < pair.size() ? pair.substr(equals + 1) : std::string_view());
    if (!value) return invalid_parameter(*name, "must be valid URL-encoded UTF-8");
    values_[index] = *value;
  }
  return {};
}

std::string_view Parameters::operator[](std::string_view name) const {
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (known_[i] == name) return values_[i];
  }
  return {};
}

Result<std::optional<Uuid>> Parameters::uuid(std::string_view name) const {
  const auto value = (*this)[name];
  if (value.empty()) return std::optional<Uuid>();
  const auto id = parse_uuid(value);
  if (!id) return invalid_parameter(name, "must be a UUID");
  return id;
}

Result<std::uint32_t> Parameters::limit() const {
  const auto value = (*this)["limit"];
  if (value.empty()) return kDefaultLimit;
  const auto number = parse_count(value);
  if (!number || *number == 0) return invalid_parameter("limit", "must be an integer of at least 1");
  return *number > kMaxLimit ? kMaxLimit : static_cast<std::uint32_t>(*number);
}

Result<std::optional<std::uint64_t>> Parameters::count(std::string_view name) const {
  const auto value = (*this)[name];
  if (value.empty()) return std::optional<std::uint64_t>();
  const auto number = parse_count(value);
  if (!number) return invalid_parameter(name, "must be a non-negative integer");
  return number;
}

Result<std::optional<TimeInput>> Parameters::time(std::string_view name, const TimeZone& zone) const {
  const auto value = (*this)[name];
  if (value.empty()) return std::optional<TimeInput>();
  const auto time = parse_time(value, zone);
  if (!time) return invalid_parameter(name, "must be a date or a date-time (RFC 3339)");
  return time;
}

Result<TimeZone> Parameters::zone(const TimeZone& of_token) const {
  const auto name = (*this)["timezone"];
  if (name.empty()) return of_token;
  auto zone = TimeZone::load(name);
  if (!zone) return invalid_parameter("timezone", "must be an IANA time zone");
  return *std::move(zone);
}

}  // namespace taskledger::http
