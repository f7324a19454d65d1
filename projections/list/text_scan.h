// Finding a needle in text, many megabytes a millisecond: a few of the needle's rarer bytes are looked for 32 places at
// a time where the processor has AVX2 (asked at run time), by memmem or byte by byte otherwise.
// Threads: any. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace taskledger::projections {

class Needle {
 public:
  explicit Needle(std::string text);  // not empty
  [[nodiscard]] const std::string& text() const { return text_; }
  // Whether it is somewhere in hay[from, from + size), which lies within `hay`. What follows in `hay` may be read, too:
  // texts that stand one after the other cost less than each by itself.
  [[nodiscard]] bool is_within(std::string_view hay, std::size_t from, std::size_t size) const;
  [[nodiscard]] bool is_within_portable(std::string_view hay, std::size_t from, std::size_t size) const;

  // Whether it is at hay[at]; at + its size lies within `hay`.
  [[nodiscard]] bool is_at(std::string_view hay, std::size_t at) const {
    if (at + sizeof head_ > hay.size()) return hay.compare(at, text_.size(), text_) == 0;
    std::uint64_t head;
    std::memcpy(&head, hay.data() + at, sizeof head);
    if (((head ^ head_) & head_mask_) != 0) return false;
    if (text_.size() <= sizeof head_) return true;
    std::uint64_t tail;
    std::memcpy(&tail, hay.data() + at + text_.size() - sizeof tail, sizeof tail);
    if (tail != tail_) return false;
    return text_.size() <= sizeof head_ + sizeof tail_ ||
           std::memcmp(hay.data() + at + sizeof head_, text_.data() + sizeof head_, text_.size() - sizeof head_) == 0;
  }

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
  std::uint64_t head_ = 0, head_mask_ = 0;       // the first 8 bytes as they are loaded, and which of them count
  std::uint64_t tail_ = 0;                       // the last 8, of a needle that has as many
  std::size_t first_ = 0, second_ = 0;           // places in the needle of the two bytes looked for; first_ <= second_
};

}  // namespace taskledger::projections
