#include "http/entity_tags.h"

#include <limits>

#include "http/parameters.h"

namespace taskledger::http {
namespace {

struct Tag {
  bool weak = false;
  std::string_view text;
};

std::string_view strip(std::string_view text) {
  const auto start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

// Calls `each` for the tags of the list; false when it is malformed or has none.
template <class Each>
bool each_tag(std::string_view list, const Each& each) {
  bool any = false;
  // Empty elements count for nothing (RFC 9110, 5.6.1.2).
  const auto skip_empty = [&list] {
    for (list = strip(list); list.starts_with(','); list = strip(list.substr(1))) {
    }
  };
  for (skip_empty(); !list.empty(); skip_empty()) {
    Tag tag;
    if (list.starts_with("W/")) {
      tag.weak = true;
      list.remove_prefix(2);
    }
    if (!list.starts_with('"')) return false;
    const auto end = list.find('"', 1);
    if (end == std::string_view::npos) return false;
    tag.text = list.substr(1, end - 1);
    for (const char c : tag.text) {
      if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return false;
    }
    each(tag);
    any = true;
    list = strip(list.substr(end + 1));
    if (!list.empty() && !list.starts_with(',')) return false;
  }
  return any;
}

std::optional<Version> version_of(std::string_view text) {
  // One spelling only: a tag is opaque, "007" is not "7".
  const auto number = parse_count(text);
  if (!number || *number == 0 || text.front() == '0' || *number > std::numeric_limits<std::uint32_t>::max()) {
    return std::nullopt;
  }
  return Version{static_cast<std::uint32_t>(*number)};
}

}  // namespace

std::optional<commands::IfMatch> parse_if_match(std::string_view header) {
  commands::IfMatch match;
  if (strip(header) == "*") {
    match.any = true;
    return match;
  }
  const bool good = each_tag(header, [&](const Tag& tag) {
    if (tag.weak) return;
    if (const auto version = version_of(tag.text)) match.versions.push_back(*version);
  });
  if (!good) return std::nullopt;
  return match;
}

bool none_match_holds(std::string_view header, Version version) {
  if (strip(header) == "*") return true;
  bool found = false;
  const bool good = each_tag(header, [&](const Tag& tag) { found = found || version_of(tag.text) == version; });
  return good && found;
}

bool none_match_holds(std::string_view header, std::string_view wanted) {
  if (strip(header) == "*") return true;
  bool found = false;
  const bool good = each_tag(header, [&](const Tag& tag) { found = found || tag.text == wanted; });
  return good && found;
}

}  // namespace taskledger::http
