// Searching the titles of an image: the pair sets in front of the search, and all parts of a large one, which threads
// share, against std::string::find; the first rows of the many found, in any order, against sorting them all.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "projections/image/image.h"
#include "projections/image/pair_set.h"
#include "projections/list/condition_scan.h"
#include "projections/list/list_query.h"
#include "projections/list/title_tests.h"
#include "projections/list/top_rows.h"

namespace taskledger::projections {
namespace {

TEST(TitleSearch, ATextCoversThePairsOfItsParts) {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string text(random() % 60, ' ');
    for (char& c : text) c = static_cast<char>(random());
    const std::size_t from = text.empty() ? 0 : random() % text.size();
    ASSERT_TRUE(PairSet::of(text).covers(PairSet::of(text.substr(from, random() % 20))));
  }
  EXPECT_TRUE(PairSet::of("a").empty());
  EXPECT_FALSE(PairSet::of("call ada").covers(PairSet::of("zebra")));
}

TEST(TitleSearch, OfALargeWorkspaceIsThatOfEachTitle) {
  constexpr unsigned kTasks = 300'000;  // several parts, the last one not whole
  constexpr std::string_view kWords[] = {"call", "customer", "offer", "x", "invoice", "about"};
  Image image;
  std::vector<std::string> titles;
  std::vector<Task> tasks;
  std::mt19937 random(11);
  for (unsigned i = 0; i < kTasks; ++i) {
    Task task;
    task.id.value.bytes[12] = static_cast<std::uint8_t>(i >> 24),
    task.id.value.bytes[13] = static_cast<std::uint8_t>(i >> 16);
    task.id.value.bytes[14] = static_cast<std::uint8_t>(i >> 8), task.id.value.bytes[15] = static_cast<std::uint8_t>(i);
    task.lifecycle = Lifecycle::live;
    for (unsigned words = 1 + random() % 4; words > 0; --words)
      task.fields.title += std::string(kWords[random() % std::size(kWords)]) + (words > 1 ? " " : "");
    if (i % 1000 == 0) task.fields.title += std::to_string(i);
    titles.push_back(task.fields.title);
    tasks.push_back(task);
  }
  image.begin_load(kTasks);
  image.load(0, tasks);
  image.finish();
  for (const std::vector<std::string>& needles : std::vector<std::vector<std::string>>{{"o"},
                                                                                       {"cal"},
                                                                                       {"customer"},
                                                                                       {"customer", "offer"},
                                                                                       {"x", "invoice", "call"},
                                                                                       {"customer offer x"},
                                                                                       {"299000"},
                                                                                       {"absent"}}) {
    std::vector<RowTestPtr> tests;
    for (const std::string& needle : needles) tests.push_back(contains_test(image, needle));
    Bits bits(image.live.data(), image.live.data() + image.live.size());
    const std::uint64_t total = keep_passing(*all_of(std::move(tests)), bits);
    std::uint64_t expected = 0;
    for (Row row = 0; row < kTasks; ++row) {
      bool all = true;
      for (const std::string& needle : needles) all &= titles[row].find(needle) != std::string::npos;
      expected += all;
      ASSERT_EQ((bits[row / 64] >> (row % 64) & 1) != 0, all) << titles[row] << " for " << needles[0];
    }
    EXPECT_EQ(total, expected) << needles[0];
  }
}

TEST(TitleSearch, FindsTheFirstOfManyInAnyOrder) {
  Image image;
  std::vector<Task> tasks(150'000);
  std::mt19937 random(13);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    Task& task = tasks[i];
    for (auto& byte : task.id.value.bytes) byte = static_cast<std::uint8_t>(random());
    task.lifecycle = Lifecycle::live;
    task.fields.title = random() % 3 == 0 ? "call" : "write";
    task.fields.priority = static_cast<Priority>(1 + random() % 3);
    if (random() % 5 != 0) task.fields.due_date = Timestamp{static_cast<std::int64_t>(random() % 1000)};
  }
  image.begin_load(static_cast<Row>(tasks.size()));
  image.load(0, tasks);
  image.finish();
  for (const bool descending : {false, true}) {
    ListQuery query;
    query.search = {"call"};
    query.order = {{Field::priority, descending}, {Field::due_date, !descending}};
    query.limit = 50;
    std::vector<const Task*> found;
    for (const Task& task : tasks) {
      if (task.fields.title == "call") found.push_back(&task);
    }
    const auto due = [](const Task& task) { return task.fields.due_date; };
    std::sort(found.begin(), found.end(), [&](const Task* a, const Task* b) {
      if (a->fields.priority != b->fields.priority)
        return descending ? a->fields.priority > b->fields.priority : a->fields.priority < b->fields.priority;
      if (due(*a) != due(*b)) {
        if (!due(*a) || !due(*b)) return due(*a).has_value();  // nulls last either way
        return descending ? due(*a)->ms < due(*b)->ms : due(*a)->ms > due(*b)->ms;
      }
      return uuid_less(a->id.value, b->id.value);
    });
    for (std::size_t page = 0; page < 3; ++page) {
      std::uint64_t total = 0;
      const auto rows = rows_from_columns(image, query, total);
      ASSERT_EQ(total, found.size());
      ASSERT_EQ(rows.size(), 51u);  // one more than asked for: whether there is a next page
      for (std::size_t i = 0; i < 50; ++i)
        ASSERT_EQ(image.id[rows[i]], found[page * 50 + i]->id.value) << page << ", " << i;
      query.after = RowOrder(image, query.order, query.after).position_of(rows[49]);
    }
  }
}

}  // namespace
}  // namespace taskledger::projections
