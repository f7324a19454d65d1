// A log beside many reads: its commits wait for each other, and whoever closes or imports waits no longer than that.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>

#include "storage/bulk_append.h"
#include "tests/storage/log_on_disk.h"

namespace taskledger::storage {
namespace {

using namespace std::chrono_literals;

constexpr auto kInterval = 400ms;  // of groups

class PacedLogTest : public testing::Test {
 protected:
  PacedLogTest() {
    load_->slot(0).waits();
    for (std::uint64_t i = 2; i < 40; ++i) {  // nobody is held while there is nothing else to do
      for (int j = 0; j < 30; ++j) load_->slot(0).answered();
      EXPECT_TRUE(append(log(), commit_of(uuid(i), 0)));
    }
    load_->slot(0).works();
    for (int j = 0; j < 30; ++j) load_->slot(0).answered();
    EXPECT_TRUE(append(log(), commit_of(uuid(100), 0)));
  }
  RocksEventLog& log() { return *opened_.log; }
  std::future<EventLog::Appending> begin(const Uuid& stream) {
    auto promise = std::make_shared<std::promise<EventLog::Appending>>();
    auto answer = promise->get_future();
    log().append(commit_of(stream, 0), [promise](const EventLog::Appending& result) { promise->set_value(result); });
    return answer;
  }

  TemporaryDirectory temporary_;
  std::shared_ptr<RequestLoad> load_ = std::make_shared<RequestLoad>(1);
  Opened opened_ = open(temporary_.path() / "data", {}, LogOptions{}.merge_interval, [this](LogOptions& options) {
    options.load = load_;
    options.group_interval = kInterval;
  });
};

TEST_F(PacedLogTest, CommitsWaitForEachOtherWhileThereIsMuchElseToDo) {
  auto first = begin(uuid(200));
  auto second = begin(uuid(201));
  EXPECT_EQ(first.wait_for(kInterval / 4), std::future_status::timeout);
  ASSERT_TRUE(first.get());
  EXPECT_EQ(second.wait_for(10s), std::future_status::ready);  // of the same group
  EXPECT_TRUE(second.get());
}

TEST_F(PacedLogTest, AndNoLongerThanThatIs) {
  auto held = begin(uuid(200));
  load_->slot(0).waits();
  EXPECT_EQ(held.wait_for(kInterval * 100), std::future_status::ready);
}

TEST_F(PacedLogTest, WhatIsHeldIsAnsweredBeforeALogIsClosed) {
  auto held = begin(uuid(200));
  opened_.log.reset();
  ASSERT_EQ(held.wait_for(0s), std::future_status::ready);
  EXPECT_TRUE(held.get());
}

TEST_F(PacedLogTest, AnImportWaitsForWhatIsHeld) {
  auto held = begin(uuid(200));
  auto bulk = log().begin_bulk(kOther);
  ASSERT_TRUE(bulk);
  ASSERT_EQ(held.wait_for(0s), std::future_status::ready);
  EXPECT_TRUE(held.get());
}

}  // namespace
}  // namespace taskledger::storage
