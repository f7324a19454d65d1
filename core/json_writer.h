// Writing JSON: the values of core's types, and objects of them. Internal to core.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/event.h"
#include "core/ids.h"
#include "core/task.h"
#include "core/text.h"
#include "core/timestamp.h"

namespace taskledger::json {

// An object being written: puts the commas between keys. Keys need no escaping.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  std::string& key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += name;
    out_ += "\":";
    return out_;
  }
  void end() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

// The JSON of one value, by type; an empty optional is null.
inline void append_value(std::string& out, const std::string& text) { append_json_string(out, text); }
inline void append_value(std::string& out, const std::vector<Link>& links) { append_links_json(out, links); }
inline void append_value(std::string& out, Timestamp time) {
  char text[26];
  text[0] = '"';
  const std::size_t end = 1 + write_rfc3339(text + 1, time);
  text[end] = '"';
  out.append(text, end + 1);
}
template <class Tag>
void append_value(std::string& out, const Id<Tag>& id) {
  char text[38];
  text[0] = text[37] = '"';
  write_uuid(text + 1, id.value);
  out.append(text, sizeof text);
}
template <class Enumeration>
requires std::is_enum_v<Enumeration>
void append_value(std::string& out, Enumeration member) {
  out += '"';
  out += name_of(member);
  out += '"';
}
template <class T>
void append_value(std::string& out, const std::optional<T>& value) {
  if (value) {
    append_value(out, *value);
  } else {
    out += "null";
  }
}

}  // namespace taskledger::json
