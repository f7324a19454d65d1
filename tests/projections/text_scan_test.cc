// The needle's search, wide and portable, against std::string::find.
#include "projections/list/text_scan.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace taskledger::projections {
namespace {

TEST(TextScan, FindsWhatAPlainSearchFinds) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    std::string hay(random() % 400, ' ');
    const std::string letters = seed % 2 == 0 ? "ab" : std::string("abcde \0\xC3\xA4", 9);
    for (char& c : hay) c = letters[random() % letters.size()];
    for (int i = 0; i < 200; ++i) {
      std::string text;
      if (!hay.empty() && random() % 2 == 0) text = hay.substr(random() % hay.size(), 1 + random() % 40);
      if (text.empty()) text = std::string(1 + random() % 3, 'a');
      const Needle needle(text);
      for (std::size_t from = 0; from <= hay.size(); from += 1 + random() % 50) {
        const std::size_t size = random() % 2 == 0 ? hay.size() - from : random() % (hay.size() - from + 1);
        const bool there = hay.substr(from, size).find(text) != std::string::npos;
        ASSERT_EQ(needle.is_within(hay, from, size), there) << text << " in " << size << " from " << from;
        ASSERT_EQ(needle.is_within_portable(hay, from, size), there);
      }
    }
  }
}

// Every place of the needle is marked; others only where its anchors stand, and none when it is short.
TEST(TextScan, MarksWhatAPlainSearchFinds) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    std::string hay(random() % 700, ' ');
    const std::string letters = seed % 2 == 0 ? "ab" : std::string("abcde \0\xC3\xA4", 9);
    for (char& c : hay) c = letters[random() % letters.size()];
    for (int i = 0; i < 100; ++i) {
      std::string text(1 + random() % 3, 'a');
      if (!hay.empty() && i % 2 == 0) text = hay.substr(random() % hay.size(), 1 + random() % 100);
      const Needle needle(text);
      std::vector<std::uint64_t> wide(hay.size() / 64 + 2), portable(hay.size() / 64 + 2);
      needle.mark(hay, wide.data());
      needle.mark_portable(hay, portable.data());
      ASSERT_EQ(wide, portable) << text;
      for (std::size_t at = 0; at < wide.size() * 64; ++at) {
        const bool marked = (wide[at / 64] >> (at % 64) & 1) != 0;
        const bool here = at < hay.size() && hay.compare(at, text.size(), text) == 0;
        if (here || needle.exact()) {
          ASSERT_EQ(marked, here) << text << " at " << at;
        }
      }
    }
  }
}

}  // namespace
}  // namespace taskledger::projections
