#include "core/json_reader.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace taskledger::json {
namespace {

// Larger texts get buffers of their own, so that one batch of 4 MiB does not stay with a thread for good.
constexpr std::size_t kMaxKeptBytes = 256 * 1024;
constexpr std::size_t kMaxNameBytes = 100;

}  // namespace

struct Document::Buffers {
  simdjson::dom::parser parser;
  std::vector<char> padded;
  bool in_use = false;

  simdjson::simdjson_result<Element> parse(std::string_view text) {
    if (padded.size() < text.size() + simdjson::SIMDJSON_PADDING) {
      padded.resize(text.size() + text.size() / 2 + simdjson::SIMDJSON_PADDING);
    }
    if (!text.empty()) std::memcpy(padded.data(), text.data(), text.size());
    return parser.parse(padded.data(), text.size(), false);
  }
};

namespace {

Document::Buffers& thread_buffers() {
  thread_local Document::Buffers buffers;
  return buffers;
}

void append_name(std::string& out, std::string_view name) {
  if (name.size() <= kMaxNameBytes) {
    out += name;
    return;
  }
  std::size_t end = kMaxNameBytes;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;  // not inside a code point
  out += name.substr(0, end);
  out += "…";
}

void append_path(std::string& out, const Path& path) {
  const Path& parent = *path.parent;
  if (parent.parent != nullptr) append_path(out, parent);
  if (path.index) {
    out += '[' + std::to_string(*path.index) + ']';
    return;
  }
  if (parent.parent != nullptr) out += '.';
  append_name(out, path.key);
}

std::string_view kind_of(const Path& path) {
  const Path* root = &path;
  while (root->parent != nullptr) root = root->parent;
  return root->key;
}

// Takes a JSON number off the front of `text`; false: none stands there, and nothing is taken.
bool take_number(std::string_view& text) {
  std::string_view rest = text;
  const auto take_digits = [&] {
    const auto end = std::min(rest.find_first_not_of("0123456789"), rest.size());
    rest.remove_prefix(end);
    return end > 0;
  };
  if (rest.starts_with('-')) rest.remove_prefix(1);
  if (rest.starts_with('0')) {
    rest.remove_prefix(1);
  } else if (!take_digits()) {
    return false;
  }
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    if (!take_digits()) return false;
  }
  if (rest.starts_with('e') || rest.starts_with('E')) {
    rest.remove_prefix(1);
    if (rest.starts_with('+') || rest.starts_with('-')) rest.remove_prefix(1);
    if (!take_digits()) return false;
  }
  text = rest;
  return true;
}

// The text with a null for each number outside of its strings: JSON exactly when the text is. nullopt: a number is
// malformed.
std::optional<std::string> with_numbers_as_nulls(std::string_view text) {
  std::string out;
  for (bool in_string = false; !text.empty();) {
    if (!in_string && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'))) {
      if (!take_number(text)) return std::nullopt;
      out += "null";
      continue;
    }
    const bool escape = in_string && text[0] == '\\' && text.size() > 1;
    if (text[0] == '"') in_string = !in_string;
    out += text.substr(0, escape ? 2 : 1);
    text.remove_prefix(escape ? 2 : 1);
  }
  return out;
}

}  // namespace

Document::Document(std::string_view text) {
  Buffers* buffers = &thread_buffers();
  if (buffers->in_use || text.size() > kMaxKeptBytes) {
    own_ = std::make_unique<Buffers>();
    buffers = own_.get();
  } else {
    buffers->in_use = borrowed_ = true;
  }
  const auto parsed = buffers->parse(text);
  if (!parsed.error()) root_ = parsed.value_unsafe();
  too_deep_ = parsed.error() == simdjson::DEPTH_ERROR;
  // The parser says the same of a malformed number and of a large one.
  if (parsed.error() == simdjson::NUMBER_ERROR) {
    const auto without = with_numbers_as_nulls(text);
    large_number_ = without && !buffers->parse(*without).error();
  }
}

Document::~Document() {
  if (borrowed_) thread_buffers().in_use = false;
}

Invalid fault(const Path& path, std::string_view text) {
  std::string message{kind_of(path)};
  message += " '";
  append_path(message, path);
  message += "' ";
  message += text;
  return {std::move(message)};
}

Invalid not_one_of(const Path& path, std::string_view names) {
  return fault(path, "must be one of: " + std::string(names));
}

Result<std::string_view> read_string(const Path& path, const Element& value) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) return fault(path, "must be a string");
  return text;
}

Result<bool> read_bool(const Path& path, const Element& value) {
  bool flag = false;
  if (value.get_bool().get(flag) != simdjson::SUCCESS) return fault(path, "must be true or false");
  return flag;
}

Result<Uuid> read_uuid(const Path& path, const Element& value) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) {
    if (const std::optional<Uuid> uuid = parse_uuid(text)) return *uuid;
  }
  return fault(path, "must be a UUID");
}

Result<std::uint64_t> read_count(const Path& path, const Element& value, std::uint64_t max) {
  std::uint64_t number = 0;
  if (!value.is_uint64() && !value.is_int64()) return fault(path, "must be an integer");
  if (value.get_uint64().get(number) != simdjson::SUCCESS || number < 1 || number > max) {
    return fault(path, "must be from 1 to " + std::to_string(max));
  }
  return number;
}

}  // namespace taskledger::json
