// What the cache of pages keeps, and within which memory; that a kept page is the right one is the model test's to
// show.
#include "projections/list/page_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace taskledger::projections {
namespace {

constexpr std::size_t kPageBytes = 10'000;

class PageCacheTest : public testing::Test {
 protected:
  PageCacheTest() { change(); }
  void change() {
    Task task;
    task.lifecycle = Lifecycle::live;
    task.version = {1};
    task.id.value.bytes[15] = 1;
    task.fields.title = std::string(kPageBytes, 'x');
    image.put(task);
  }
  static ListQuery query(std::uint32_t number) {
    ListQuery query;
    query.meaning.emplace().fill(7);
    query.limit = number;
    return query;
  }
  // Asks as the read models do; whether the page came from the cache.
  bool ask(PageCache& cache, const ListQuery& asked) {
    RenderedRowsPtr rows;
    if (cache.find(image, asked, rows)) return true;
    found_rows = rows != nullptr;
    rows = RenderedRows::of(image, std::vector<Row>{*image.find(image.id[0])}, rows);
    ListPage page;
    page.rows = {rows, &rows->json()};
    cache.offer(image, asked, {.changed = *changed_for(image, asked)}, page, rows);
    return false;
  }
  Image image;
  bool found_rows = false;  // of the page before, when it was asked last and was not there
};

TEST_F(PageCacheTest, KeepsWhatIsAskedForASecondTime) {
  PageCache cache(1 << 20);
  EXPECT_FALSE(ask(cache, query(1)));
  EXPECT_EQ(cache.figures().bytes, 0u);
  EXPECT_FALSE(ask(cache, query(1)));
  EXPECT_TRUE(ask(cache, query(1)));
  EXPECT_FALSE(ask(cache, query(2)));
  const PageCacheFigures figures = cache.figures();
  EXPECT_EQ(figures.pages, 1u);
  EXPECT_EQ(figures.hits, 1u);
  EXPECT_EQ(figures.misses, 3u);
  EXPECT_GE(figures.bytes, kPageBytes);
  EXPECT_LT(figures.bytes, kPageBytes + 1'000);
}

TEST_F(PageCacheTest, HoldsNothingOnceCleared) {
  PageCache cache(1 << 20);
  for (std::uint32_t number = 1; number <= 20; ++number) {
    ask(cache, query(number));
    ask(cache, query(number));
  }
  EXPECT_EQ(cache.figures().pages, 20u);
  cache.clear();
  EXPECT_EQ(cache.figures().pages, 0u);
  EXPECT_EQ(cache.figures().bytes, 0u);
  RenderedRowsPtr rows;
  EXPECT_FALSE(cache.find(image, query(1), rows));
}

TEST_F(PageCacheTest, KeepsNothingWhileEveryAskMeetsAnotherState) {
  PageCache cache(1 << 20);
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(ask(cache, query(1)));
    change();
  }
  EXPECT_EQ(cache.figures().pages, 0u);
}

TEST_F(PageCacheTest, AnotherStateTakesThePlaceOfTheLast) {
  PageCache cache(1 << 20);
  EXPECT_FALSE(ask(cache, query(1)));
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(ask(cache, query(1)));
    EXPECT_TRUE(ask(cache, query(1)));
    change();
  }
  EXPECT_EQ(cache.figures().pages, 1u);
}

TEST_F(PageCacheTest, GivesTheRowsOfThePageBefore) {
  PageCache cache(1 << 20);
  EXPECT_FALSE(ask(cache, query(1)));
  EXPECT_FALSE(found_rows);
  EXPECT_FALSE(ask(cache, query(1)));
  EXPECT_FALSE(found_rows);
  EXPECT_TRUE(ask(cache, query(1)));
  change();
  EXPECT_FALSE(ask(cache, query(1)));
  EXPECT_TRUE(found_rows);
  EXPECT_FALSE(ask(cache, query(2)));
  EXPECT_FALSE(found_rows);
}

// Where the io thread has looked and it is a worker that works the page out.
TEST_F(PageCacheTest, KeepsTheRowsForWhoLooksAgain) {
  PageCache cache(1 << 20);
  EXPECT_FALSE(ask(cache, query(1)));
  EXPECT_FALSE(ask(cache, query(1)));
  change();
  RenderedRowsPtr first, second;
  EXPECT_FALSE(cache.find(image, query(1), first));
  EXPECT_FALSE(cache.find(image, query(1), second));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first, second);
}

TEST_F(PageCacheTest, AnEmptyPageKeepsNoRowsOfTheOneBefore) {
  PageCache cache(1 << 20);
  EXPECT_FALSE(ask(cache, query(1)));
  EXPECT_FALSE(ask(cache, query(1)));
  EXPECT_TRUE(ask(cache, query(1)));
  change();
  RenderedRowsPtr rows;
  EXPECT_FALSE(cache.find(image, query(1), rows));
  cache.offer(image, query(1), {.changed = *changed_for(image, query(1))}, ListPage{}, rows);
  EXPECT_LT(cache.figures().bytes, kPageBytes);
  EXPECT_TRUE(cache.find(image, query(1), rows));
}

TEST_F(PageCacheTest, CountsAPageOnceHoweverOftenItIsRenewed) {
  PageCache cache(1 << 20);
  EXPECT_FALSE(ask(cache, query(1)));
  EXPECT_FALSE(ask(cache, query(1)));
  const std::size_t bytes = cache.figures().bytes;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(ask(cache, query(1)));
    change();
    EXPECT_FALSE(ask(cache, query(1)));
    EXPECT_EQ(cache.figures().bytes, bytes);
  }
}

TEST_F(PageCacheTest, IsNotRenewedWhereItServedNobody) {
  PageCache cache(1 << 20);
  EXPECT_FALSE(ask(cache, query(1)));
  EXPECT_FALSE(ask(cache, query(1)));
  EXPECT_EQ(cache.figures().pages, 1u);
  change();
  EXPECT_FALSE(ask(cache, query(1)));
  EXPECT_EQ(cache.figures().pages, 0u);
}

TEST_F(PageCacheTest, StaysWithinItsMemory) {
  constexpr std::size_t kBytes = 1 << 20;
  PageCache cache(kBytes);
  for (std::uint32_t i = 1; i <= 2'000; ++i) {
    (void)ask(cache, query(i)), (void)ask(cache, query(i));
    ASSERT_TRUE(ask(cache, query(i))) << i;  // the latest stay
    ASSERT_LE(cache.figures().bytes, kBytes);
  }
  EXPECT_GT(cache.figures().bytes, kBytes / 2);
  EXPECT_FALSE(ask(cache, query(1)));  // the oldest have gone
}

TEST_F(PageCacheTest, KeepsNoneWithoutMemoryOrForQueriesThatHaveNoName) {
  PageCache none(0), some(1 << 20);
  ListQuery nameless = query(1);
  nameless.meaning.reset();
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(ask(none, query(1)));
    EXPECT_FALSE(ask(some, nameless));
  }
  EXPECT_EQ(none.figures().misses + some.figures().misses, 0u);
}

TEST_F(PageCacheTest, HoldsBetweenTheDueTimesAroundNow) {
  const Validity validity{.changed = 3, .after = 100, .until = 200};
  EXPECT_FALSE(validity.holds(3, {100}));
  EXPECT_TRUE(validity.holds(3, {101}));
  EXPECT_TRUE(validity.holds(3, {200}));
  EXPECT_FALSE(validity.holds(3, {201}));
  EXPECT_FALSE(validity.holds(4, {150}));
}

}  // namespace
}  // namespace taskledger::projections
