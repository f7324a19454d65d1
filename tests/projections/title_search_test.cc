// Searching the titles of an image: the pair sets in front of the search, and both halves of a large one, against
// std::string::find.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "projections/image/image.h"
#include "projections/image/pair_set.h"
#include "projections/list/condition_scan.h"

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
  constexpr unsigned kTasks = 300'000;  // enough for a second thread
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
  for (const std::vector<std::string>& needles : std::vector<std::vector<std::string>>{
           {"o"}, {"cal"}, {"customer"}, {"customer", "offer"}, {"x", "invoice", "call"}, {"299000"}, {"absent"}}) {
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

}  // namespace
}  // namespace taskledger::projections
