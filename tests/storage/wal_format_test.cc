#include "storage/wal_format.h"

#include <gtest/gtest.h>

#include "storage/bytes.h"
#include "tests/storage/wal_bytes.h"

namespace taskledger::storage {
namespace {

constexpr std::size_t kBatchHeader = 12;

std::string batch(std::string_view content) { return std::string(kBatchHeader, 'b') + std::string(content); }
std::string noted(std::uint64_t position, std::string_view content = "row") {
  std::string note(wal::kNote);
  if (position > 0) put_int(note, position);
  return batch(std::string{'\x03', static_cast<char>(note.size())} + note + std::string(content));
}

// A hole of ten bytes at the beginning, and whatever comes then.
class WhatIsBehind : public testing::Test {
 protected:
  [[nodiscard]] wal::Behind behind() const { return wal::records_from(file_, 1); }
  std::string file_ = std::string(10, '\0');
};

TEST_F(WhatIsBehind, IsNothingWhereOnlyTheRestOfARecordIs) {
  file_ += fragment(wal::middle, "middle");
  file_ += fragment(wal::last, "last");
  file_ += std::string(100'000, '\0');
  EXPECT_FALSE(behind().any);
}

TEST_F(WhatIsBehind, IsARecordWithoutANote) {
  add_record(file_, batch("put"));
  EXPECT_TRUE(behind().any);
  EXPECT_TRUE(behind().all_synced);
}

TEST_F(WhatIsBehind, AreRecordsThatNotePositions) {
  for (const std::uint64_t position : {0, 7, 3}) add_record(file_, noted(position));
  EXPECT_TRUE(behind().any);
  EXPECT_FALSE(behind().all_synced);
  EXPECT_EQ(behind().told, 7u);
}

TEST_F(WhatIsBehind, IsFoundBehindABlockThatLostItsBeginning) {
  file_ += std::string(40'000, 'x');
  add_record(file_, noted(9));
  file_ += std::string(40'000, '\0');
  add_record(file_, noted(8));
  EXPECT_EQ(behind().told, 9u);
}

TEST_F(WhatIsBehind, IsNoRecordWithoutItsEnd) {
  file_.resize(wal::kBlock - 20);
  add_record(file_, batch(std::string(1000, 'p')));
  ASSERT_TRUE(behind().any);
  file_.replace(wal::kBlock, std::string::npos, std::string(5000, '\0'));
  EXPECT_FALSE(behind().any);
}

// The note itself may be in another block than its record's beginning.
TEST_F(WhatIsBehind, ReadsNotesAcrossBlocks) {
  for (std::size_t left = 1; left < 60; ++left) {
    SCOPED_TRACE(left);
    file_.assign(wal::kBlock - left, '\0');
    add_record(file_, noted(5));
    EXPECT_TRUE(behind().any);
    EXPECT_FALSE(behind().all_synced);
    EXPECT_EQ(behind().told, 5u);
  }
}

}  // namespace
}  // namespace taskledger::storage
