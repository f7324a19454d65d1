#include "storage/head_mark_keeper.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/storage/log_fixture.h"
#include "tests/storage/told_lines.h"

namespace taskledger::storage {
namespace {

// Whether `holds` within the time that the keeper takes for several rounds.
template <class Condition>
bool soon(const Condition& holds) {
  for (int i = 0; i < 500 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return holds();
}

TEST(HeadMarkKeeper, AMarkThatCannotBeWrittenIsTold) {
  const TemporaryDirectory temporary;
  const auto file = temporary.path() / "head", other = temporary.path() / "other";
  for (const auto& one : {file, other}) std::filesystem::create_directory(one.string() + ".new");
  const ToldLines told;
  {
    const HeadMarkKeeper patient(other, [] { return Head{{3}, {}, {}}; });
    const HeadMarkKeeper keeper(
        file,
        [] {
          return Head{{3}, {}, {}};
        },
        std::chrono::seconds(0));
    EXPECT_TRUE(soon([&] { return keeper.trouble().has_value(); }));
    EXPECT_THAT(keeper.trouble().value_or(""), testing::HasSubstr(file.string() + ".new"));
    EXPECT_EQ(patient.trouble(), std::nullopt) << "it may pass";
    for (const auto& one : {file, other}) std::filesystem::remove(one.string() + ".new");
    EXPECT_TRUE(soon([&] { return !keeper.trouble(); }));
  }
  EXPECT_EQ(told.lines(), 2) << "once each, not every second\n" << told.text();
  EXPECT_THAT(told.text(), testing::StartsWith("error a lost end of the log would not show: The head mark cannot be"));
  EXPECT_EQ((*read_head_mark(file))->position, Position{3});
}

}  // namespace
}  // namespace taskledger::storage
