#include "core/text.h"

#include <simdjson.h>
#include <unicode/casemap.h>
#include <unicode/stringoptions.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace taskledger {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080ull;

// How many leading bytes are ASCII, up to seven too few: eight are looked at a time, then the rest one by one.
std::size_t ascii_prefix(std::string_view text) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t chunk;
    std::memcpy(&chunk, text.data() + i, 8);
    if (chunk & kHighBits) break;
  }
  while (i < text.size() && static_cast<std::uint8_t>(text[i]) < 0x80) ++i;
  return i;
}

bool is_ascii_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

// The length of the White_Space character at the start of `text`, 0 if there is none. All of White_Space is in the
// BMP; U8_NEXT gives a negative code point for bytes that are no UTF-8, which is no space either.
std::size_t leading_space(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (static_cast<std::uint8_t>(text[0]) < 0x80) return is_ascii_space(text[0]) ? 1 : 0;
  const auto size = static_cast<std::int32_t>(std::min<std::size_t>(text.size(), 4));
  std::int32_t i = 0;
  UChar32 c;
  U8_NEXT(text.data(), i, size, c);
  return c >= 0 && u_isUWhiteSpace(c) ? static_cast<std::size_t>(i) : 0;
}

std::size_t trailing_space(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (static_cast<std::uint8_t>(text.back()) < 0x80) return is_ascii_space(text.back()) ? 1 : 0;
  const std::string_view tail = text.substr(text.size() - std::min<std::size_t>(text.size(), 4));
  auto i = static_cast<std::int32_t>(tail.size());
  UChar32 c;
  U8_PREV(tail.data(), 0, i, c);
  return c >= 0 && u_isUWhiteSpace(c) ? tail.size() - static_cast<std::size_t>(i) : 0;
}

// The short escape of a character, 'u' for those that have none, 0 for those that need no escaping.
constexpr auto kEscapes = [] {
  std::array<char, 256> escapes{};
  for (int c = 0; c < 0x20; ++c) escapes[c] = 'u';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  return escapes;
}();

// Not zero when one of eight bytes is a quote, a backslash or below 0x20. May be set by bytes next to such a one
// (borrows), never by eight clean ones: subtracting borrows only out of a byte that is itself a hit.
std::uint64_t any_to_escape(std::uint64_t chunk) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101ull;
  const std::uint64_t quotes = chunk ^ (kOnes * '"'), backslashes = chunk ^ (kOnes * '\\');
  const std::uint64_t hits =
      ((chunk - kOnes * 0x20) & ~chunk) | ((quotes - kOnes) & ~quotes) | ((backslashes - kOnes) & ~backslashes);
  return hits & kHighBits;
}

// The first character at or after `i` that has to be escaped, or the end.
std::size_t clean_until(std::string_view text, std::size_t i) noexcept {
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t chunk;
    std::memcpy(&chunk, text.data() + i, 8);
    if (any_to_escape(chunk)) break;
  }
  while (i < text.size() && kEscapes[static_cast<std::uint8_t>(text[i])] == 0) ++i;
  return i;
}

void append_escape(std::string& out, char c) {
  const char escape = kEscapes[static_cast<std::uint8_t>(c)];
  out += '\\';
  out += escape;
  if (escape == 'u') {
    constexpr std::string_view kHex = "0123456789abcdef";
    out += "00";
    out += kHex[static_cast<std::uint8_t>(c) >> 4];
    out += kHex[static_cast<std::uint8_t>(c) & 15];
  }
}

// Folding never makes a text longer than three times its bytes (U+0390, two bytes, becomes six).
constexpr std::size_t kMaxGrowth = 3;

}  // namespace

bool is_valid_utf8(std::string_view text) noexcept { return simdjson::validate_utf8(text.data(), text.size()); }

std::size_t code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<std::uint8_t>(c) & 0xc0) != 0x80;
  return count;
}

std::string_view trim(std::string_view text) {
  while (const std::size_t space = leading_space(text)) text.remove_prefix(space);
  while (const std::size_t space = trailing_space(text)) text.remove_suffix(space);
  return text;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0, i = 0;
  while (i < text.size()) {
    const std::size_t space = leading_space(text.substr(i));
    if (space == 0) {
      ++i;  // continuation bytes are no space, so going byte by byte finds the same words
      continue;
    }
    if (i > begin) words.push_back(text.substr(begin, i - begin));
    begin = i += space;
  }
  if (i > begin) words.push_back(text.substr(begin));
  return words;
}

void append_folded(std::string& out, std::string_view text) {
  const std::size_t ascii = ascii_prefix(text);
  const std::size_t start = out.size();
  out.resize(start + ascii);
  for (std::size_t i = 0; i < ascii; ++i) {
    const char c = text[i];
    out[start + i] = static_cast<char>(c + (static_cast<std::uint8_t>(c - 'A') < 26 ? 'a' - 'A' : 0));
  }
  text.remove_prefix(ascii);
  if (text.empty()) return;

  const std::size_t folded = out.size();
  out.resize(folded + kMaxGrowth * text.size());
  UErrorCode status = U_ZERO_ERROR;
  const std::int32_t size =
      icu::CaseMap::utf8Fold(U_FOLD_CASE_DEFAULT, text.data(), static_cast<std::int32_t>(text.size()),
                             out.data() + folded, static_cast<std::int32_t>(out.size() - folded), nullptr, status);
  if (U_FAILURE(status)) throw std::runtime_error(std::string("case folding failed: ") + u_errorName(status));
  out.resize(folded + static_cast<std::size_t>(size));
}

std::string fold_case(std::string_view text) {
  std::string out;
  append_folded(out, text);
  return out;
}

bool has_control(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<std::uint8_t>(text[i]);
    if (c < 0x20 || c == 0x7f) return true;
    // U+0080 to U+009F: C2 80 to C2 9F.
    if (c == 0xc2 && i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = clean_until(text, begin);
    out.append(text, begin, end - begin);
    if (end == text.size()) break;
    append_escape(out, text[end]);
    begin = end + 1;
  }
  out += '"';
}

}  // namespace taskledger
