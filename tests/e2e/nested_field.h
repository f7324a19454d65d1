// The first value that `key` has anywhere in a JSON text as the server writes it (no spaces): a string without escapes,
// or the text of a number. Empty when there is none.
#pragma once

#include <string>
#include <string_view>

namespace taskledger::e2e {

inline std::string nested_field(const std::string& json, std::string_view key) {
  const std::string wanted = '"' + std::string(key) + "\":";
  const std::size_t at = json.find(wanted);
  if (at == json.npos) return {};
  const std::size_t begin = at + wanted.size();
  const bool quoted = json[begin] == '"';
  const std::size_t from = begin + (quoted ? 1 : 0);
  return json.substr(from, json.find_first_of(quoted ? "\"" : ",}]", from) - from);
}

}  // namespace taskledger::e2e
