// Finding a needle in text, many megabytes a millisecond: a few of the needle's rarer bytes are looked for 32 places at
// a time where the processor has AVX2 (asked at run time), by memmem or byte by byte otherwise.
// Threads: any. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace taskledger::projections {

class Needle {
 public:
  explicit Needle(std::string text);  // not empty
  [[nodiscard]] const std::string& text() const { return text_; }
  static constexpr std::size_t npos = std::string_view::npos;
  // Where it first is in `hay` at or after `from`.
  [[nodiscard]] std::size_t find(std::string_view hay, std::size_t from = 0) const;
  [[nodiscard]] std::size_t find_portable(std::string_view hay, std::size_t from = 0) const;

  // Sets bit i of `bits` (zeroed, with room for all of `hay`) wherever the needle begins at hay[i], and, unless
  // exact(), perhaps where only its kAnchors rarest bytes stand in their places. The cost does not depend on how often
  // that is.
  static constexpr std::size_t kAnchors = 4;
  [[nodiscard]] bool exact() const { return text_.size() <= kAnchors; }
  void mark(std::string_view hay, std::uint64_t* bits) const;
  void mark_portable(std::string_view hay, std::uint64_t* bits, std::size_t from = 0) const;

 private:
  std::string text_;
  std::array<std::size_t, kAnchors> anchors_{};  // places in the needle; short ones repeat
  std::size_t first_ = 0, second_ = 0;           // places in the needle of the two bytes looked for; first_ <= second_
};

}  // namespace taskledger::projections
