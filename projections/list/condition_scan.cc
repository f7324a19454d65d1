#include "projections/list/condition_scan.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "projections/list/shared_work.h"
#include "projections/list/title_tests.h"

namespace taskledger::projections {

namespace {

constexpr std::size_t kSharedWords = 512;  // of candidates, that a thread takes at a time: some 100 us
static_assert(kSharedWords % (kChunkRun * kChunkWords) == 0);

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

// Cells that a predicate of the facets holds for.
template <class Holds>
RowTestPtr facets_test(const Image& image, const Holds& holds) {
  LookUp table{image.cell.data(), nullptr, std::vector<std::uint8_t>(kCells)};
  for (unsigned cell = 0; cell < kCells; ++cell)
    table.passes[cell] = holds(facets_of(static_cast<std::uint16_t>(cell)));
  return look_up_test(image, std::move(table));
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
