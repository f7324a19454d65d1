#include "projections/list/condition_scan.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <iterator>
#include <string_view>
#include <unordered_set>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "core/text.h"
#include "projections/image/keys.h"
#include "projections/image/prefetch.h"
#include "projections/list/shared_work.h"

namespace taskledger::projections {

namespace {

constexpr unsigned kFew = 12;              // candidates in a chunk up to which they are tested one by one
constexpr unsigned kFewTitles = 128;       // the same, where a test reads texts: a chunk of those is kilobytes
constexpr int kReadsTitles = 100;          // cost of a test that reads texts
constexpr std::size_t kSharedWords = 512;  // of candidates, that a thread takes at a time: some 100 us
static_assert(kSharedWords % (kChunkRun * kChunkWords) == 0);

bool none(const ChunkBits& bits) { return (bits[0] | bits[1] | bits[2] | bits[3]) == 0; }
unsigned count(const ChunkBits& bits) {
  unsigned sum = 0;
  for (const std::uint64_t word : bits) sum += static_cast<unsigned>(std::popcount(word));
  return sum;
}
template <class Fn>
void each_row(std::size_t chunk, const ChunkBits& bits, const Fn& fn) {
  for (std::size_t word = 0; word < kChunkWords; ++word) {
    for (std::uint64_t left = bits[word]; left != 0; left &= left - 1) {
      fn(static_cast<Row>(chunk * 256 + word * 64 + static_cast<std::size_t>(std::countr_zero(left))));
    }
  }
}
ChunkBits without(ChunkBits bits, const ChunkBits& other) {
  for (std::size_t word = 0; word < kChunkWords; ++word) bits[word] &= ~other[word];
  return bits;
}
using Run = std::array<ChunkBits, kChunkRun>;
Run copy_of(std::span<const ChunkBits> run) {
  Run copy{};
  std::copy(run.begin(), run.end(), copy.begin());
  return copy;
}
void set_bit(ChunkBits& bits, Row row) { bits[row % 256 / 64] |= std::uint64_t{1} << (row % 64); }

// A test of one row by `one(row)`, branch-free over 64 rows where all of them are candidates anyway.
template <class One>
class PerRow : public RowTest {
 public:
  PerRow(std::size_t rows, int cost_of, One one) : rows_(rows), one_(std::move(one)) { cost = cost_of; }
  ChunkBits pass(std::size_t chunk, const ChunkBits& in) const override {
    ChunkBits out{};
    for (std::size_t word = 0; word < kChunkWords; ++word) {
      if (in[word] == 0) continue;
      const Row first = static_cast<Row>(chunk * 256 + word * 64);
      if (static_cast<unsigned>(std::popcount(in[word])) <= kFew || first + 64 > rows_) {
        for (std::uint64_t left = in[word]; left != 0; left &= left - 1) {
          const auto bit = static_cast<unsigned>(std::countr_zero(left));
          out[word] |= static_cast<std::uint64_t>(one_(first + bit)) << bit;
        }
        continue;
      }
      std::uint64_t passed = 0;
      for (unsigned bit = 0; bit < 64; ++bit) passed |= static_cast<std::uint64_t>(one_(first + bit)) << bit;
      out[word] = passed & in[word];
    }
    return out;
  }

 private:
  std::size_t rows_;
  One one_;
};
template <class One>
RowTestPtr per_row(const Image& image, int cost, One one) {
  return std::make_unique<PerRow<One>>(image.rows(), cost, std::move(one));
}

#if defined(__x86_64__)
// Of 64 times, a bit for each that lies in [low, high].
__attribute__((target("avx2"))) std::uint64_t in_range_avx2(const std::int64_t* times, std::int64_t low,
                                                            std::int64_t high) {
  const __m256i lowest = _mm256_set1_epi64x(low), highest = _mm256_set1_epi64x(high);
  std::uint64_t outside = 0;
  for (unsigned i = 0; i < 64; i += 4) {
    const __m256i time = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(times + i));
    const __m256i out = _mm256_or_si256(_mm256_cmpgt_epi64(lowest, time), _mm256_cmpgt_epi64(time, highest));
    outside |= static_cast<std::uint64_t>(_mm256_movemask_pd(_mm256_castsi256_pd(out))) << i;
  }
  return ~outside;
}
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

class InTimes : public RowTest {
 public:
  InTimes(const Column<std::int64_t>& times, std::int64_t low, std::int64_t high)
      : times_(times.data()), rows_(times.size()), low_(low), high_(high) {
    cost = 2;
  }
  ChunkBits pass(std::size_t chunk, const ChunkBits& in) const override {
    ChunkBits out{};
    for (std::size_t word = 0; word < kChunkWords; ++word) {
      if (in[word] != 0) out[word] = in[word] & of_64(chunk * 256 + word * 64);
    }
    return out;
  }

 private:
  std::uint64_t of_64(std::size_t first) const {
#if defined(__x86_64__)
    if (kHasAvx2 && first + 64 <= rows_) return in_range_avx2(times_ + first, low_, high_);
#endif
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(64, rows_ - first); ++i)
      bits |= static_cast<std::uint64_t>((times_[first + i] >= low_) & (times_[first + i] <= high_)) << i;
    return bits;
  }

  const std::int64_t* times_;
  std::size_t rows_;
  std::int64_t low_, high_;
};

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

class InBits : public RowTest {
 public:
  explicit InBits(Bits bits) : bits_(std::move(bits)) {}
  ChunkBits pass(std::size_t chunk, const ChunkBits& in) const override {
    ChunkBits out{};
    for (std::size_t word = 0; word < kChunkWords && chunk * kChunkWords + word < bits_.size(); ++word) {
      out[word] = in[word] & bits_[chunk * kChunkWords + word];
    }
    return out;
  }

 private:
  Bits bits_;
};

class Not : public RowTest {
 public:
  explicit Not(RowTestPtr test) : test_(std::move(test)) { cost = test_->cost; }
  ChunkBits pass(std::size_t chunk, const ChunkBits& in) const override { return without(in, test_->pass(chunk, in)); }
  void keep(std::size_t chunk, std::span<ChunkBits> run) const override {
    Run passed = copy_of(run);
    test_->keep(chunk, std::span(passed).first(run.size()));
    for (std::size_t i = 0; i < run.size(); ++i) run[i] = without(run[i], passed[i]);
  }

 private:
  RowTestPtr test_;
};

class Group : public RowTest {
 public:
  Group(bool any, std::vector<RowTestPtr> tests) : any_(any) {
    for (RowTestPtr& test : tests) {
      auto* inner = any ? nullptr : test->tests_of_all();
      if (inner == nullptr) {
        tests_.push_back(std::move(test));
      } else {
        std::move(inner->begin(), inner->end(), std::back_inserter(tests_));
      }
    }
    std::stable_sort(tests_.begin(), tests_.end(),
                     [](const RowTestPtr& a, const RowTestPtr& b) { return a->cost < b->cost; });
    for (const RowTestPtr& test : tests_) cost += test->cost;
  }
  // The tests of an AND within an AND become tests of the outer one, so that the cheap ones of all come first.
  std::vector<RowTestPtr>* tests_of_all() override { return any_ ? nullptr : &tests_; }
  ChunkBits pass(std::size_t chunk, const ChunkBits& in) const override {
    ChunkBits bits = in;
    keep(chunk, {&bits, 1});
    return bits;
  }
  void keep(std::size_t chunk, std::span<ChunkBits> run) const override {
    if (tests_.empty()) return;
    if (!any_) {
      for (const RowTestPtr& test : tests_) test->keep(chunk, run);
      return;
    }
    Run left = copy_of(run);  // not passed yet
    for (const RowTestPtr& test : tests_) {
      Run passed = left;
      test->keep(chunk, std::span(passed).first(run.size()));
      for (std::size_t i = 0; i < run.size(); ++i) left[i] = without(left[i], passed[i]);
    }
    for (std::size_t i = 0; i < run.size(); ++i) run[i] = without(run[i], left[i]);
  }

 private:
  bool any_;
  std::vector<RowTestPtr> tests_;
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

RowTestPtr nothing(const Image& image) {
  return per_row(image, 0, [](Row) { return false; });
}

template <class One>
class LookUpTest final : public PerRow<One> {
 public:
  LookUpTest(const Image& image, int cost, LookUp table, One one)
      : PerRow<One>(image.rows(), cost, std::move(one)), table_(std::move(table)) {}
  const LookUp* look_up() const override { return &table_; }

 private:
  LookUp table_;
};

RowTestPtr look_up_test(const Image& image, LookUp table) {
  const auto make = [&](int cost, auto one) -> RowTestPtr {
    return std::make_unique<LookUpTest<decltype(one)>>(image, cost, std::move(table), std::move(one));
  };
  auto passes = table.passes;
  if (table.cells == nullptr)
    return make(2, [passes = std::move(passes), column = table.numbers](Row row) { return passes[column[row]] != 0; });
  return make(1, [passes = std::move(passes), column = table.cells](Row row) { return passes[column[row]] != 0; });
}

// Cells that a predicate of the facets holds for.
template <class Holds>
RowTestPtr facets_test(const Image& image, const Holds& holds) {
  LookUp table{image.cell.data(), nullptr, std::vector<std::uint8_t>(kCells)};
  for (unsigned cell = 0; cell < kCells; ++cell)
    table.passes[cell] = holds(facets_of(static_cast<std::uint16_t>(cell)));
  return look_up_test(image, std::move(table));
}

RowTestPtr negated(const Image& image, RowTestPtr test) {
  if (test->look_up() == nullptr) return std::make_unique<Not>(std::move(test));
  LookUp table = *test->look_up();
  for (auto& passes : table.passes) passes ^= 1;
  return look_up_test(image, std::move(table));
}

// One test a column instead of many; a group of nothing else is a table itself, for the group around it.
RowTestPtr group_of(const Image& image, bool any, std::vector<RowTestPtr> tests) {
  std::vector<LookUp> tables;
  std::vector<RowTestPtr> merged;
  for (RowTestPtr& test : tests) {
    const LookUp* of = test->look_up();
    if (of == nullptr) {
      merged.push_back(std::move(test));
      continue;
    }
    const auto same = std::find_if(tables.begin(), tables.end(), [&](const LookUp& table) {
      // Their sizes too: the columns of an image without tasks all lie nowhere.
      return table.cells == of->cells && table.numbers == of->numbers && table.passes.size() == of->passes.size();
    });
    if (same == tables.end()) {
      tables.push_back(*of);
      continue;
    }
    for (std::size_t i = 0; i < same->passes.size(); ++i)
      same->passes[i] = any ? same->passes[i] | of->passes[i] : same->passes[i] & of->passes[i];
  }
  for (LookUp& table : tables) merged.push_back(look_up_test(image, std::move(table)));
  if (merged.size() == 1) return std::move(merged[0]);
  return std::make_unique<Group>(any, std::move(merged));
}

template <class Code>
RowTestPtr code_test(const Image& image, const Condition& condition, const Code& code) {
  return facets_test(image, [&](const Facets& facets) {
    const unsigned value = code(facets);
    if (condition.test == Test::is_null) return value == 0;
    if (value == 0) return false;
    if (condition.test == Test::in_range)
      return condition.low <= static_cast<std::int64_t>(value) && static_cast<std::int64_t>(value) <= condition.high;
    return (condition.codes >> value & 1) != 0;
  });
}

RowTestPtr users_test(const Image& image, const Condition& condition, const Column<std::uint32_t>& numbers) {
  LookUp table{nullptr, numbers.data(), std::vector<std::uint8_t>(image.users.size())};
  if (condition.test == Test::is_null) {
    table.passes[kNoUser] = 1;
    return look_up_test(image, std::move(table));
  }
  for (const Uuid& id : condition.ids) {
    if (const auto number = image.user_number(id)) table.passes[*number] = 1;
  }
  return look_up_test(image, std::move(table));
}

RowTestPtr times_test(const Image& image, const Condition& condition, const Column<std::int64_t>& times) {
  if (condition.test == Test::is_null)
    return per_row(image, 2, [column = times.data()](Row row) { return column[row] == kNoTime; });
  return time_test(times, condition.low, condition.high);
}

// Without the sequences of entities: by looking at every row's links.
RowTestPtr links_test(const Image& image, const Condition& condition) {
  std::vector<std::uint8_t> wanted(image.entities.size());
  for (const Uuid& id : condition.ids) {
    if (const auto number = image.entity_number(id)) wanted[*number] = 1;
  }
  return per_row(image, 10, [&image, wanted = std::move(wanted)](Row row) {
    const auto links = image.links[row];
    return std::any_of(links.begin(), links.end(), [&](PackedLink link) { return wanted[entity_of(link)] != 0; });
  });
}

RowTestPtr entities_test(const Image& image, const Condition& condition) {
  if (condition.test == Test::is_null)
    return facets_test(image, [](const Facets& facets) { return facets.link_types == 0; });
  if (image.columns_only()) return links_test(image, condition);
  Bits bits(image.live.size());
  for (const Uuid& id : condition.ids) {
    const Entity* entity = image.entity(id);
    if (entity == nullptr) continue;
    const OrderTree& tree = entity->by_due;
    tree.each(tree.begin(), tree.end(), CellSet(), image.cell.data(), [&](Row row) {
      bits[row / 64] |= std::uint64_t{1} << (row % 64);
      return true;
    });
  }
  return std::make_unique<InBits>(std::move(bits));
}

RowTestPtr tasks_test(const Image& image, const Condition& condition) {
  if (condition.test == Test::is_null) return nothing(image);
  Bits bits(image.live.size());
  for (const Uuid& id : condition.ids) {
    if (const auto row = image.find(id)) bits[*row / 64] |= std::uint64_t{1} << (*row % 64);
  }
  return std::make_unique<InBits>(std::move(bits));
}

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

RowTestPtr raw_condition_test(const Image& image, const Condition& condition) {
  switch (condition.field) {
    case Field::id:
      return tasks_test(image, condition);
    case Field::title:
      return title_test(image, condition);
    case Field::due_date:
      return times_test(image, condition, image.due);
    case Field::created_at:
      return times_test(image, condition, image.created);
    case Field::updated_at:
      return times_test(image, condition, image.updated);
    case Field::completed_at:
      return times_test(image, condition, image.completed);
    case Field::priority:
      return code_test(image, condition, [](const Facets& facets) { return facets.priority; });
    case Field::action_type:
      return code_test(image, condition, [](const Facets& facets) { return facets.action_type; });
    case Field::is_completed:
      return facets_test(image, [&](const Facets& facets) {
        if (condition.test == Test::is_true) return facets.completed;
        return condition.test != Test::is_null && (condition.codes >> (facets.completed ? 1 : 0) & 1) != 0;
      });
    case Field::assigned_to_id:
      return users_test(image, condition, image.assignee);
    case Field::created_by:
      return users_test(image, condition, image.created_by);
    case Field::completed_by:
      return users_test(image, condition, image.completed_by);
    case Field::linked_entity_id:
      return entities_test(image, condition);
    case Field::linked_entity_type:
      return facets_test(image, [&](const Facets& facets) {
        return condition.test == Test::is_null ? facets.link_types == 0
                                               : (facets.link_types & condition.codes >> 1) != 0;
      });
  }
  return nothing(image);
}

}  // namespace

void RowTest::keep(std::size_t chunk, std::span<ChunkBits> run) const {
  for (std::size_t i = 0; i < run.size(); ++i) {
    if (!none(run[i])) run[i] = pass(chunk + i, run[i]);
  }
}

RowTestPtr cells_test(const Image& image, const CellSet& set) {
  return per_row(image, 1, [set, cells = image.cell.data()](Row row) { return set.has(cells[row]); });
}

RowTestPtr time_test(const Column<std::int64_t>& times, std::int64_t low, std::int64_t high) {
  high = std::min(high, kNoTime - 1);
  return std::make_unique<InTimes>(times, low, high);
}

RowTestPtr user_test(const Image& image, const Column<std::uint32_t>& numbers, std::uint32_t user) {
  return per_row(image, 1, [user, column = numbers.data()](Row row) { return column[row] == user; });
}

RowTestPtr link_test(const Image& image, std::uint32_t entity, std::optional<EntityType> type) {
  return per_row(image, 10, [&image, entity, type](Row row) {
    for (const PackedLink link : image.links[row]) {
      if (entity_of(link) == entity && (!type || type_of(link) == *type)) return true;
    }
    return false;
  });
}

RowTestPtr contains_test(const Image& image, const std::string& folded) {
  if (folded.empty()) return all_of({});
  if (folded.find('\0') != std::string::npos) return nothing(image);  // no title holds one; between titles they stand
  std::vector<RowTestPtr> tests;
  const PairSet pairs = PairSet::of(folded);
  if (!pairs.empty()) tests.push_back(std::make_unique<CoversPairs>(image.title_pairs, pairs));
  tests.push_back(std::make_unique<Contains>(image, folded));
  return all_of(std::move(tests));
}

RowTestPtr all_of(std::vector<RowTestPtr> tests) { return std::make_unique<Group>(false, std::move(tests)); }

RowTestPtr filter_test(const Image& image, const FilterGroup& group) {
  std::vector<RowTestPtr> tests;
  for (const FilterNode& node : group.children) {
    if (const auto* inner = std::get_if<std::unique_ptr<FilterGroup>>(&node)) {
      tests.push_back(filter_test(image, **inner));
      continue;
    }
    const Condition& condition = std::get<Condition>(node);
    RowTestPtr test = raw_condition_test(image, condition);
    tests.push_back(condition.negated ? negated(image, std::move(test)) : std::move(test));
  }
  return group_of(image, group.any, std::move(tests));
}

namespace {

std::uint64_t keep_passing(const RowTest& test, Bits& bits, std::size_t from, std::size_t to) {
  std::uint64_t total = 0;
  for (std::size_t at = from; at < to; at += kChunkRun * kChunkWords) {
    Run run{};
    const std::size_t words = std::min(kChunkRun * kChunkWords, to - at);
    const std::size_t chunks = (words + kChunkWords - 1) / kChunkWords;
    std::memcpy(run.data(), bits.data() + at, words * sizeof bits[0]);
    test.keep(at / kChunkWords, std::span(run).first(chunks));
    std::memcpy(bits.data() + at, run.data(), words * sizeof bits[0]);
    for (std::size_t i = 0; i < chunks; ++i) total += count(run[i]);
  }
  return total;
}

}  // namespace

std::uint64_t keep_passing(const RowTest& test, Bits& bits) {
  const std::size_t parts = (bits.size() + kSharedWords - 1) / kSharedWords;
  if (parts < 2) return keep_passing(test, bits, 0, bits.size());
  std::atomic<std::uint64_t> total{0};
  share_work(parts, [&](std::size_t part) {
    const std::size_t from = part * kSharedWords;
    total += keep_passing(test, bits, from, std::min(from + kSharedWords, bits.size()));
  });
  return total;
}

}  // namespace taskledger::projections
