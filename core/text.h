// Unicode text as the contract means it: a character is a code point. Input is valid UTF-8 (the JSON parser and the
// query decoder see to that). Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace taskledger {

[[nodiscard]] bool is_valid_utf8(std::string_view text) noexcept;
[[nodiscard]] std::size_t code_points(std::string_view text) noexcept;
// Without leading and trailing White_Space (Unicode property).
[[nodiscard]] std::string_view trim(std::string_view text);
// The words of `text`, separated by White_Space; views into `text`.
[[nodiscard]] std::vector<std::string_view> split_words(std::string_view text);
// Unicode full case folding (ICU), without normalisation. Folding is idempotent and works per code point, so folding
// parts and joining equals folding the whole.
[[nodiscard]] std::string fold_case(std::string_view text);
void append_folded(std::string& out, std::string_view text);
// Whether a code point of category Cc is in `text`.
[[nodiscard]] bool has_control(std::string_view text) noexcept;
// Appends `text` as a JSON string with its quotes; escapes only what RFC 8259 demands (short forms where there are
// some).
void append_json_string(std::string& out, std::string_view text);

}  // namespace taskledger
