// A disk that now and then gives a wrong bit: what is read is right, or an error that names the file or the position;
// never something else.
#include <gtest/gtest.h>

#include <thread>

#include "tests/faults/child.h"
#include "tests/faults/machine.h"

namespace taskledger::faults {
namespace {

Uuid numbered(std::uint64_t number) {
  Uuid id;
  std::memcpy(id.bytes.data(), &number, sizeof number);
  return id;
}

constexpr std::uint64_t kStreams = 300;
constexpr std::uint32_t kEach = 5;

std::string payload_of(std::uint64_t stream, std::uint32_t version) {
  return R"({"title":"Stream )" + std::to_string(stream) + " version " + std::to_string(version) +
         std::string(200, 'y') + "\"}";
}

void fill(storage::EventLog& log) {
  std::atomic<std::uint64_t> open = 0;
  for (std::uint32_t version = 1; version <= kEach; ++version) {
    for (std::uint64_t stream = 0; stream < kStreams; ++stream) {
      storage::Commit commit;
      commit.workspace = WorkspaceNumber{1};
      commit.expected.push_back({numbered(stream), Version{version - 1}});
      commit.records.push_back({.stream = numbered(stream),
                                .type = 1,
                                .payload = payload_of(stream, version),
                                .time = {},
                                .id = {},
                                .trace = {}});
      ++open;
      log.append(std::move(commit), [&](const auto& answer) {
        EXPECT_TRUE(answer);
        --open;
      });
    }
    while (open > 0) std::this_thread::yield();
  }
}

bool names_where(const std::string& what) {
  return what.find(".sst") != std::string::npos || what.find("position ") != std::string::npos;
}

void read_flipped() {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Machine machine(seed);
  auto refused = machine.open_log();
  ASSERT_FALSE(refused) << *refused;
  fill(machine.log());
  machine.close();
  refused = machine.open_log();
  ASSERT_FALSE(refused) << *refused;

  std::size_t right = 0, errors = 0;
  machine.disk().flip_reads(0.05);
  for (int i = 0; i < 3000; ++i) {
    const std::uint64_t stream = random() % kStreams;
    std::uint32_t version = 0;
    auto read =
        machine.log().read_stream(WorkspaceNumber{1}, numbered(stream), Version{1}, [&](const storage::Record& record) {
          EXPECT_EQ(record.version, Version{++version});
          EXPECT_EQ(record.payload, payload_of(stream, version));
          return true;
        });
    if (read) {
      EXPECT_EQ(version, kEach);
      ++right;
    } else {
      EXPECT_TRUE(names_where(read.error().what)) << read.error().what;
      ++errors;
    }
  }
  for (int i = 0; i < 50; ++i) {
    std::uint64_t last = 0;
    auto read = machine.log().read_all({0}, {UINT64_MAX}, [&](const storage::Record& record) {
      EXPECT_EQ(record.position.value, ++last);
      EXPECT_EQ(record.payload, payload_of((last - 1) % kStreams, record.version.value));
      return true;
    });
    if (read) {
      EXPECT_EQ(last, kStreams * kEach);
      ++right;
    } else {
      EXPECT_TRUE(names_where(read.error().what)) << read.error().what;
      ++errors;
    }
  }
  EXPECT_GT(machine.disk().flipped(), 0u);
  EXPECT_GT(right, 0u);
  EXPECT_GT(errors, 0u) << "no flipped bit was met: the test shows nothing";
  machine.disk().clear();
  std::uint64_t count = 0;
  ASSERT_TRUE(machine.log().read_all({0}, {UINT64_MAX}, [&](const storage::Record&) { return ++count > 0; }));
  EXPECT_EQ(count, kStreams * kEach) << "nothing wrong stays in the cache";
}

TEST(BitFlips, WhatIsReadIsRightOrAnErrorThatNamesTheFile) { ASSERT_EQ(run_in_child(read_flipped), Outcome::passed); }

}  // namespace
}  // namespace taskledger::faults
