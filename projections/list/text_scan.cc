#include "projections/list/text_scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace taskledger::projections {

namespace {

// How common a byte is in folded titles: the most common first; others count as rare.
constexpr std::string_view kCommon = " etaoinrslcdumphgbfv-wyk0123456789.,xjqz";
constexpr std::size_t kMaxLooked = 64;  // of a needle's bytes, for rare ones
std::size_t rarity(char c) { return std::min(kCommon.find(c), kCommon.size()); }

#if defined(__x86_64__)
// Of 32 places, those at which both bytes stand where the needle has them.
__attribute__((target("avx2"))) inline std::uint32_t places_avx2(const char* text, const char* needle,
                                                                 std::size_t first, std::size_t second) {
  const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + first));
  const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + second));
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_and_si256(
      _mm256_cmpeq_epi8(a, _mm256_set1_epi8(needle[first])), _mm256_cmpeq_epi8(b, _mm256_set1_epi8(needle[second])))));
}

// A bit for each of 32 places at a time; returns from where on the rest is left to do. Written out rather than looped:
// the wanted bytes are to stay in registers.
template <unsigned count>
__attribute__((target("avx2"))) std::size_t mark_avx2(std::string_view hay, const char* bytes,
                                                      const std::size_t* anchors, std::size_t length,
                                                      std::uint64_t* bits) {
  const __m256i want_a = _mm256_set1_epi8(bytes[anchors[0]]), want_b = _mm256_set1_epi8(bytes[anchors[1]]);
  const __m256i want_c = _mm256_set1_epi8(bytes[anchors[2]]), want_d = _mm256_set1_epi8(bytes[anchors[3]]);
  const char *a = hay.data() + anchors[0], *b = hay.data() + anchors[1];
  const char *c = hay.data() + anchors[2], *d = hay.data() + anchors[3];
  auto* out = reinterpret_cast<unsigned char*>(bits);  // little-endian, as this processor is
  std::size_t at = 0;
  for (; at + 31 + length <= hay.size(); at += 32) {
    __m256i hits = _mm256_cmpeq_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + at)), want_a);
    if constexpr (count > 1)
      hits = _mm256_and_si256(hits,
                              _mm256_cmpeq_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + at)), want_b));
    if constexpr (count > 2)
      hits = _mm256_and_si256(hits,
                              _mm256_cmpeq_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(c + at)), want_c));
    if constexpr (count > 3)
      hits = _mm256_and_si256(hits,
                              _mm256_cmpeq_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(d + at)), want_d));
    const auto mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(hits));
    std::memcpy(out + at / 8, &mask, sizeof mask);
  }
  return at;
}
const bool kHasAvx2 = __builtin_cpu_supports("avx2");
#endif

}  // namespace

Needle::Needle(std::string text) : text_(std::move(text)) {
  const std::size_t head = std::min(text_.size(), sizeof head_);
  std::memcpy(&head_, text_.data(), head);
  std::memset(&head_mask_, 0xFF, head);
  if (text_.size() >= sizeof tail_) std::memcpy(&tail_, text_.data() + text_.size() - sizeof tail_, sizeof tail_);
  for (std::size_t i = 1; i < text_.size(); ++i) {
    if (rarity(text_[i]) > rarity(text_[first_])) first_ = i;
  }
  second_ = first_ == 0 ? text_.size() - 1 : 0;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (i != first_ && rarity(text_[i]) > rarity(text_[second_])) second_ = i;
  }
  if (second_ < first_) std::swap(first_, second_);
  std::array<std::size_t, kMaxLooked> places;
  const std::size_t looked = std::min(text_.size(), places.size());
  for (std::size_t i = 0; i < looked; ++i) places[i] = i;
  std::stable_sort(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(looked),
                   [this](std::size_t a, std::size_t b) { return rarity(text_[a]) > rarity(text_[b]); });
  for (std::size_t i = 0; i < kAnchors; ++i) anchors_[i] = places[i % looked];
}

void Needle::mark(std::string_view hay, std::uint64_t* bits) const {
  std::size_t from = 0;
#if defined(__x86_64__)
  if (kHasAvx2) {
    const auto wide = text_.size() == 1 ? mark_avx2<1> : text_.size() == 2 ? mark_avx2<2> : mark_avx2<kAnchors>;
    from = wide(hay, text_.data(), anchors_.data(), text_.size(), bits);
  }
#endif
  mark_portable(hay, bits, from);
}

void Needle::mark_portable(std::string_view hay, std::uint64_t* bits, std::size_t from) const {
  for (std::size_t at = from; at + text_.size() <= hay.size(); ++at) {
    bool hit = true;
    for (const std::size_t anchor : anchors_) hit &= hay[at + anchor] == text_[anchor];
    bits[at / 64] |= static_cast<std::uint64_t>(hit) << (at % 64);
  }
}

bool Needle::is_within(std::string_view hay, std::size_t from, std::size_t size) const {
#if defined(__x86_64__)
  if (kHasAvx2) {
    const std::size_t end = from + size;
    while (from + text_.size() <= end && from + second_ + 32 <= hay.size()) {
      std::uint32_t hits = places_avx2(hay.data() + from, text_.data(), first_, second_);
      const std::size_t places = end - text_.size() - from + 1;
      if (places < 32) hits &= (std::uint32_t{1} << places) - 1;
      for (; hits != 0; hits &= hits - 1) {
        if (is_at(hay, from + static_cast<std::size_t>(std::countr_zero(hits)))) return true;
      }
      from += 32;
    }
    return from < end && is_within_portable(hay, from, end - from);
  }
#endif
  return is_within_portable(hay, from, size);
}

bool Needle::is_within_portable(std::string_view hay, std::size_t from, std::size_t size) const {
  return memmem(hay.data() + from, size, text_.data(), text_.size()) != nullptr;
}

}  // namespace taskledger::projections
