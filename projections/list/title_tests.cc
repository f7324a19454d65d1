#include "projections/list/title_tests.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "core/text.h"
#include "projections/image/keys.h"
#include "projections/image/prefetch.h"
#include "projections/list/text_scan.h"

namespace taskledger::projections {

namespace {

constexpr unsigned kFewTitles = 128;  // candidates in a chunk up to which they are read one by one: all are kilobytes
constexpr int kReadsTitles = 100;     // cost of a test that reads texts

#if defined(__x86_64__)
// Of 64 sets of pairs, a bit for each that covers `wanted`.
__attribute__((target("avx2"))) std::uint64_t covers_avx2(const PairSet* sets, const PairSet& wanted) {
  const __m256i pairs = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(&wanted)));
  std::uint64_t covers = 0;
  for (unsigned i = 0; i < 64; i += 4) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sets + i));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sets + i + 2));
    const __m256i has_a = _mm256_cmpeq_epi64(_mm256_and_si256(a, pairs), pairs);
    const __m256i has_b = _mm256_cmpeq_epi64(_mm256_and_si256(b, pairs), pairs);
    // Low and high half of each set together; they come as 0, 2, 1, 3.
    const __m256i both = _mm256_and_si256(_mm256_unpacklo_epi64(has_a, has_b), _mm256_unpackhi_epi64(has_a, has_b));
    const __m256i in_order = _mm256_permute4x64_epi64(both, 0xD8);
    covers |= static_cast<std::uint64_t>(_mm256_movemask_pd(_mm256_castsi256_pd(in_order))) << i;
  }
  return covers;
}
const bool kHasAvx2 = __builtin_cpu_supports("avx2");
#endif

// Whether the title may contain a text that has these pairs of bytes.
class CoversPairs : public RowTest {
 public:
  CoversPairs(const Column<PairSet>& of, const PairSet& pairs) : of_(of.data()), rows_(of.size()), pairs_(pairs) {
    cost = 3;
  }
  ChunkBits pass(std::size_t chunk, const ChunkBits& in) const override {
    ChunkBits out{};
    for (std::size_t word = 0; word < kChunkWords; ++word) {
      if (in[word] != 0) out[word] = in[word] & of_64(chunk * 256 + word * 64, in[word]);
    }
    return out;
  }

 private:
  std::uint64_t of_64(std::size_t first, std::uint64_t in) const {
#if defined(__x86_64__)
    if (kHasAvx2 && first + 64 <= rows_ && static_cast<unsigned>(std::popcount(in)) > kFew)
      return covers_avx2(of_ + first, pairs_);
#endif
    std::uint64_t bits = 0;
    for (; in != 0; in &= in - 1) {
      const auto bit = static_cast<unsigned>(std::countr_zero(in));
      bits |= static_cast<std::uint64_t>(of_[first + bit].covers(pairs_)) << bit;
    }
    return bits;
  }

  const PairSet* of_;
  std::size_t rows_;
  PairSet pairs_;
};

std::string_view folded_of(const Image& image, Row row) {
  const auto bytes = image.folded[row];
  return {bytes.data(), bytes.size() - 1};  // live rows only: their NUL left out
}

// Where few titles of a chunk are candidates they are looked at one by one; else the whole chunk is marked first and
// the marks then read off row by row, which costs the same for a needle in every title as for one in none. What takes
// time is memory: the places of all titles of a run are asked for first, and each chunk's titles while those of the one
// before are looked at.
class Contains : public RowTest {
 public:
  Contains(const Image& image, std::string folded) : image_(image), needle_(std::move(folded)) { cost = kReadsTitles; }
  void keep(std::size_t chunk, std::span<ChunkBits> run) const override {
    for (std::size_t i = 0; i < run.size(); ++i) prefetch_places(chunk + i, run[i]);
    prefetch_titles(chunk, run[0]);
    for (std::size_t i = 0; i < run.size(); ++i) {
      if (i + 1 < run.size()) prefetch_titles(chunk + i + 1, run[i + 1]);
      if (!none(run[i])) run[i] = pass(chunk + i, run[i]);
    }
  }
  ChunkBits pass(std::size_t chunk, const ChunkBits& in) const override {
    ChunkBits out{};
    const auto& block = image_.folded.block(chunk);
    const std::string_view text(block.values.data(), block.values.size());
    if (count(in) <= kFewTitles) {
      each_row(chunk, in, [&](Row row) {
        const std::uint32_t from = block.start[row % 256], end = block.start[row % 256 + 1];
        if (needle_.is_within(text, from, end - from - 1)) set_bit(out, row);  // its NUL left out
      });
      return out;
    }
    static thread_local std::vector<std::uint64_t> marks;  // a bit a byte of the chunk's text
    marks.assign(text.size() / 64 + 2, 0);
    needle_.mark(text, marks.data());
    std::uint64_t any = 0;
    for (const std::uint64_t word : marks) any |= word;
    if (any == 0) return out;
    return needle_.exact() ? read_marks<true>(text, block.start, marks.data(), in)
                           : read_marks<false>(text, block.start, marks.data(), in);
  }

 private:
  template <bool exact>
  ChunkBits read_marks(std::string_view text, const std::uint32_t* start, const std::uint64_t* marks,
                       const ChunkBits& in) const {
    ChunkBits out{};
    for (std::size_t word = 0; word < kChunkWords; ++word, start += 64) {
      if (in[word] == 0) continue;
      std::uint64_t passed = 0;
      for (unsigned bit = 0; bit < 64; ++bit) {
        const std::uint32_t from = start[bit], length = start[bit + 1] - from;
        const bool holds = length < 64 ? held<exact>(text, marks, from, (std::uint64_t{1} << length) - 1)
                                       : long_held<exact>(text, marks, from, length);
        passed |= static_cast<std::uint64_t>(holds) << bit;
      }
      out[word] = passed & in[word];
    }
    return out;
  }
  // Whether the needle begins at one of the places of `mask`, counted from `from`.
  template <bool exact>
  bool held(std::string_view text, const std::uint64_t* marks, std::size_t from, std::uint64_t mask) const {
    const std::size_t word = from / 64, bit = from % 64;
    std::uint64_t found = (marks[word] >> bit | marks[word + 1] << 1 << (63 - bit)) & mask;
    if (exact) return found != 0;
    for (; found != 0; found &= found - 1) {
      const std::size_t at = from + static_cast<std::size_t>(std::countr_zero(found));
      if (needle_.is_at(text, at)) return true;
    }
    return false;
  }
  template <bool exact>
  bool long_held(std::string_view text, const std::uint64_t* marks, std::size_t from, std::size_t length) const {
    for (; length >= 64; from += 64, length -= 64) {
      if (held<exact>(text, marks, from, ~std::uint64_t{0})) return true;
    }
    return held<exact>(text, marks, from, (std::uint64_t{1} << length) - 1);
  }

  // Their loops are written out: GCC takes a lambda that only prefetches for one without effects.
  TASKLEDGER_INLINED void prefetch_places(std::size_t chunk, const ChunkBits& in) const {
    if (none(in)) return;
    const auto& block = image_.folded.block(chunk);
    prefetch_line(&block.values);
    for (std::size_t word = 0; word < kChunkWords; ++word) {
      for (std::uint64_t left = in[word]; left != 0; left &= left - 1)
        prefetch_line(&block.start[word * 64 + static_cast<std::size_t>(std::countr_zero(left))]);
    }
  }
  TASKLEDGER_INLINED void prefetch_titles(std::size_t chunk, const ChunkBits& in) const {
    if (none(in) || count(in) > kFewTitles) return;  // what is read from end to end the processor notices
    const auto& block = image_.folded.block(chunk);
    const char* text = block.values.data();
    for (std::size_t word = 0; word < kChunkWords; ++word) {
      for (std::uint64_t left = in[word]; left != 0; left &= left - 1) {
        const auto row = word * 64 + static_cast<std::size_t>(std::countr_zero(left));
        prefetch_line(text + block.start[row]);
        prefetch_line(text + block.start[row + 1] - 1);
      }
    }
  }

  const Image& image_;
  Needle needle_;
};

RowTestPtr title_in_test(const Image& image, const Condition& condition) {
  // The keys of the titles first: one number a row to look at.
  std::vector<std::uint64_t> keys;
  for (const std::string& text : condition.texts) keys.push_back(title_key_of(fold_case(text)));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::unordered_set<std::string> texts(condition.texts.begin(), condition.texts.end());
  return per_row(image, 5, [&image, keys = std::move(keys), texts = std::move(texts)](Row row) {
    const std::uint64_t key = image.title_key[row];
    if (keys.size() == 1 ? key != keys[0] : !std::binary_search(keys.begin(), keys.end(), key)) return false;
    return texts.contains(std::string(TitleKey::text(image.title[row])));
  });
}

}  // namespace

RowTestPtr contains_test(const Image& image, const std::string& folded) {
  if (folded.empty()) return all_of({});
  if (folded.find('\0') != std::string::npos) return nothing(image);  // no title holds one; between titles they stand
  std::vector<RowTestPtr> tests;
  const PairSet pairs = PairSet::of(folded);
  if (!pairs.empty()) tests.push_back(std::make_unique<CoversPairs>(image.title_pairs, pairs));
  tests.push_back(std::make_unique<Contains>(image, folded));
  return all_of(std::move(tests));
}

RowTestPtr title_test(const Image& image, const Condition& condition) {
  if (condition.test == Test::is_null) return nothing(image);
  if (condition.test == Test::in) return title_in_test(image, condition);
  const std::string& text = condition.texts.at(0);
  if (condition.test == Test::contains) return contains_test(image, text);
  if (condition.test == Test::ends_with) {
    return per_row(image, 20,
                   [&image, text](Row row) { return image.is_live(row) && folded_of(image, row).ends_with(text); });
  }
  const std::size_t head = std::min<std::size_t>(text.size(), 8);
  const std::uint64_t mask = head == 0 ? 0 : ~std::uint64_t{0} << (8 * (8 - head));
  return per_row(image, 4, [&image, text, mask, key = title_key_of(text) & mask](Row row) {
    return (image.title_key[row] & mask) == key && image.is_live(row) && folded_of(image, row).starts_with(text);
  });
}

}  // namespace taskledger::projections
