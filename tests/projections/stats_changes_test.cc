// Counters that are kept between writes against counters that are read each time.
#include "projections/stats/stats_changes.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/projections/memory_view_store.h"

namespace taskledger::projections {
namespace {

using Rows = std::map<std::string, std::optional<std::string>>;

Rows rows_of(const Result<storage::RowChanges, storage::ReadError>& changes) {
  Rows rows;
  EXPECT_TRUE(changes);
  for (std::size_t i = 0; i < changes->size(); ++i) {
    const auto [key, value] = (*changes)[i];
    EXPECT_TRUE(rows.emplace(key, value ? std::optional(std::string(*value)) : std::nullopt).second);
  }
  return rows;
}

Result<void, storage::ReadError> write(MemoryViewStore& views, std::uint64_t generation, const Rows& rows) {
  storage::RowChanges changes;
  for (const auto& [key, value] : rows) changes.change(key, value);
  return views.write({{std::string(kStatsProjection), generation, std::move(changes)}}, {{1}, {}});
}

TEST(StatsChanges, CountFromWhatWasWrittenLast) {
  std::mt19937_64 random(3);
  MemoryViewStore views;
  WrittenStats kept;
  StatsCounts truth;
  for (int round = 0; round < 300; ++round) {
    StatsCounts differences;
    for (auto left = random() % 20; left != 0; --left) {
      Uuid user{{static_cast<std::uint8_t>(random() % 3)}};
      const auto day = random() % 3 == 0 ? StatsCounter::kTotal : static_cast<std::uint32_t>(random() % 4);
      const StatsCounter of =
          stats_counter({static_cast<std::uint32_t>(random() % 2 + 1)}, random() % 4 == 0 ? nullptr : &user, day);
      const std::size_t at = random() % (day == StatsCounter::kTotal ? 2 : 3);
      const bool less = random() % 2 == 0 && truth[of][at] > 0;
      differences[of][at] += less ? -1u : 1u;
      truth[of][at] += less ? -1u : 1u;
    }
    const std::uint64_t generation = round < 150 ? 1 : 2;
    if (round == 150) {  // a rebuild gave other rows
      truth.clear();
      for (auto& [of, counts] : differences) truth[of] = counts = {1, 1, 0};
    }
    if (round % 50 == 49) {  // a write that came to nothing
      EXPECT_TRUE(kept.add(differences, views, generation));
      kept.forget();
    }
    const Rows rows = rows_of(kept.add(differences, views, generation));
    EXPECT_EQ(rows, rows_of(WrittenStats().add(differences, views, generation)));
    ASSERT_TRUE(write(views, generation, rows));
    StatsCounts from_nothing = truth;
    MemoryViewStore empty;
    Rows expected;
    for (const auto& [key, value] : rows_of(WrittenStats().add(from_nothing, empty, generation))) {
      if (value) expected.emplace(key, value);
    }
    Rows held;
    ASSERT_TRUE(views.scan(kStatsProjection, generation, "", "", [&](auto key, auto value) {
      held.emplace(key, value);
      return true;
    }));
    ASSERT_EQ(held, expected) << "round " << round;
  }
}

TEST(StatsChanges, ADamagedRowIsAnError) {
  MemoryViewStore views;
  StatsCounts differences;
  differences[stats_counter({1}, nullptr)] = {1, 0, 0};
  ASSERT_TRUE(write(views, 1, {{stats_key({1}, nullptr), "xx"}}));
  EXPECT_FALSE(WrittenStats().add(differences, views, 1));
}

}  // namespace
}  // namespace taskledger::projections
