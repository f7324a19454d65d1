// The contract of EventLog, as a suite that every backend passes: instantiate it with a factory.
//
//   INSTANTIATE_TEST_SUITE_P(Mine, EventLogContract, testing::Values(LogBackend{"mine", make}));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "storage/bulk_append.h"
#include "tests/storage/log_fixture.h"

namespace taskledger::storage {

// One log with what it stands on. `reopen` closes and opens it again (empty for backends that forget).
struct LogUnderTest {
  std::shared_ptr<void> keep;  // goes last
  std::unique_ptr<EventLog> log;
  std::function<void()> reopen;
  SetClock clock;
};
struct LogBackend {
  std::string name;
  std::function<std::unique_ptr<LogUnderTest>()> make;
};
inline void PrintTo(const LogBackend& backend, std::ostream* out) { *out << backend.name; }

class EventLogContract : public testing::TestWithParam<LogBackend> {
 protected:
  std::unique_ptr<LogUnderTest> test_ = GetParam().make();
  EventLog& log() { return *test_->log; }
  SetClock& clock() { return test_->clock; }
};

TEST_P(EventLogContract, AnEmptyLogHasNoRecordsAndAnEmptyHead) {
  EXPECT_EQ(log().head().position.value, 0u);
  EXPECT_EQ(log().workspace_head(kWorkspace).position.value, 0u);
  EXPECT_EQ(all_of(log()), "");
  EXPECT_EQ(stream_of(log(), uuid(1)), "");
  EXPECT_EQ(*log().hash_at({0}), Hash{});
  EXPECT_EQ(*log().hash_at({1}), std::nullopt);
  EXPECT_EQ(log().failure(), std::nullopt);
}

TEST_P(EventLogContract, NothingIsStampedEarlierThanAnEmptyCommitBeforeIt) {
  ASSERT_TRUE(append(log(), commit_of(uuid(1), 0)));
  clock().ms->store(2'000'000);
  Commit empty;
  empty.workspace = kWorkspace;
  ASSERT_TRUE(append(log(), std::move(empty)));
  clock().ms->store(1'500'000);
  EXPECT_EQ(append(log(), commit_of(uuid(1), 1))->time.ms, 2'000'000);
  EXPECT_EQ(append(log(), commit_of(uuid(2), 0, {"{}"}, {8}))->time.ms, 2'000'000) << "of whatever workspace";
}

TEST_P(EventLogContract, GivesPositionsVersionsAndTimesInOrder) {
  auto first = append(log(), commit_of(uuid(1), 0, {R"({"a":1})", R"({"b":2})"}));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->position.value, 2u);
  EXPECT_EQ(first->in_workspace.value, 2u);
  EXPECT_EQ(first->time.ms, 1'000'000);
  ASSERT_TRUE(append(log(), commit_of(uuid(1), 0, {"{}"}, {8})));  // the same id in another workspace is another stream
  clock().ms->store(999'000);                                      // never backwards
  auto third = append(log(), commit_of(uuid(1), 2));
  ASSERT_TRUE(third);
  EXPECT_EQ(third->time.ms, 1'000'000);
  EXPECT_EQ(all_of(log()),
            "1.1 w7 1@1 t1 {\"a\":1}\n"
            "2.2 w7 1@2 t1 {\"b\":2}\n"
            "3.1 w8 1@1 t1 {}\n"
            "4.3 w7 1@3 t1 {}\n");
  EXPECT_EQ(stream_of(log(), uuid(1), 2), "2.2 w7 1@2 t1 {\"b\":2}\n4.3 w7 1@3 t1 {}\n");
  EXPECT_EQ(workspace_of(log(), kWorkspace, 2), "4.3 w7 1@3 t1 {}\n");
  EXPECT_EQ(workspace_of(log(), {8}), "3.1 w8 1@1 t1 {}\n");
  EXPECT_EQ(log().head().position.value, 4u);
  EXPECT_EQ(log().workspace_head(kWorkspace).position.value, 3u);
}

TEST_P(EventLogContract, AConflictIsAValueAndWritesNothing) {
  ASSERT_TRUE(append(log(), commit_of(uuid(1), 0)));
  for (std::uint32_t wrong : {0u, 2u, 7u}) {
    auto answer = append(log(), commit_of(uuid(1), wrong));
    ASSERT_FALSE(answer) << wrong;
    EXPECT_EQ(answer.error(), AppendError::conflict);
  }
  auto absent = append(log(), commit_of(uuid(2), 1));
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error(), AppendError::conflict);
  EXPECT_EQ(all_of(log()), "1.1 w7 1@1 t1 {}\n");
}

TEST_P(EventLogContract, ACommitOverSeveralStreamsIsAllOrNothing) {
  ASSERT_TRUE(append(log(), commit_of(uuid(2), 0)));
  Commit commit{kWorkspace, kActor, false, {{uuid(1), {0}}, {uuid(2), {0}}}, {record_of(uuid(1)), record_of(uuid(2))},
                {},         {}};
  auto conflict = append(log(), commit);
  ASSERT_FALSE(conflict);
  EXPECT_EQ(stream_of(log(), uuid(1)), "");
  commit.expected[1].expected = {1};
  commit.records.push_back(record_of(uuid(1), R"({"again":true})"));
  ASSERT_TRUE(append(log(), commit));
  EXPECT_EQ(all_of(log()),
            "1.1 w7 2@1 t1 {}\n"
            "2.2 w7 1@1 t1 {}\n"
            "3.3 w7 2@2 t1 {}\n"
            "4.4 w7 1@2 t1 {\"again\":true}\n");
}

TEST_P(EventLogContract, AnExpectedStreamWithoutRecordsIsAPrecondition) {
  ASSERT_TRUE(append(log(), commit_of(uuid(1), 0)));
  Commit commit = commit_of(uuid(2), 0);
  commit.expected.push_back({uuid(1), {2}});
  EXPECT_FALSE(append(log(), commit));
  commit.expected.back().expected = {1};
  EXPECT_TRUE(append(log(), commit));
  EXPECT_TRUE(append(log(), commit_of(uuid(1), 1)));
}

TEST_P(EventLogContract, CommitsQueuedTogetherSeeEachOther) {
  std::atomic<int> ok = 0, conflicts = 0;
  std::promise<void> last;
  constexpr int kCommits = 200;
  std::atomic<int> left = kCommits;
  for (int i = 0; i < kCommits; ++i) {
    // Each version twice: the second is a conflict.
    log().append(commit_of(uuid(1), static_cast<std::uint32_t>(i / 2)), [&](const EventLog::Appending& answer) {
      ++(answer ? ok : conflicts);
      if (--left == 0) last.set_value();
    });
  }
  last.get_future().get();
  EXPECT_EQ(ok, kCommits / 2);
  EXPECT_EQ(conflicts, kCommits / 2);
  EXPECT_EQ(log().head().position.value, std::uint64_t{kCommits / 2});
}

TEST_P(EventLogContract, PositionsAreGaplessUnderManyWriters) {
  constexpr int kWriters = 16, kEach = 40;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kEach; ++i) {
        const WorkspaceNumber workspace{static_cast<std::uint32_t>(1 + writer % 3)};
        ASSERT_TRUE(append(log(), commit_of(uuid(static_cast<std::uint64_t>(writer)), static_cast<std::uint32_t>(i),
                                            {"{}"}, workspace)));
      }
    });
  }
  for (auto& writer : writers) writer.join();
  std::uint64_t position = 0;
  std::map<std::uint32_t, std::uint64_t> in_workspace;
  ASSERT_TRUE(log().read_all({0}, {UINT64_MAX}, [&](const Record& record) {
    EXPECT_EQ(record.position.value, ++position);
    EXPECT_EQ(record.in_workspace.value, ++in_workspace[record.workspace.value]);
    return true;
  }));
  EXPECT_EQ(position, std::uint64_t{kWriters} * kEach);
}

TEST_P(EventLogContract, TheObserverSeesWholeCommitsInOrderBeforeTheirAnswers) {
  std::mutex mutex;
  std::uint64_t seen = 0;
  log().observe([&](std::span<const Record> records) {
    std::lock_guard lock(mutex);
    for (const auto& record : records) {
      EXPECT_EQ(record.position.value, ++seen);
      EXPECT_EQ(*record.payload, R"({"n":1})");
    }
    EXPECT_EQ(seen % 3, 0u);
    EXPECT_GE(log().head().position.value, seen);  // readable already
  });
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      for (std::uint32_t i = 0; i < 20; ++i) {
        const std::string payload = R"({"n":1})";
        auto answer =
            append(log(), commit_of(uuid(static_cast<std::uint64_t>(writer)), 3 * i, {payload, payload, payload}));
        ASSERT_TRUE(answer);
        std::lock_guard lock(mutex);
        EXPECT_GE(seen, answer->position.value);
      }
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(seen, 240u);
}

TEST_P(EventLogContract, WhatCameWithARecordGoesToObserversAndNowhereElse) {
  std::vector<std::string> titles;
  int deletions = 0;
  log().observe([&](std::span<const Record> records) {
    for (const auto& record : records) {
      titles.push_back(record.before != nullptr ? record.before->fields.title : "-");
      deletions += record.event != nullptr && std::holds_alternative<TaskDeleted>(*record.event);
    }
  });
  Commit commit = commit_of(uuid(1), 0, {"{}", "{}"});
  auto before = std::make_shared<Task>();
  before->fields.title = "as it was";
  commit.records[1].before = std::move(before);
  commit.records[0].event = std::make_shared<const TaskEvent>(TaskDeleted{});
  ASSERT_TRUE(append(log(), std::move(commit)));
  EXPECT_EQ(titles, (std::vector<std::string>{"-", "as it was"}));
  EXPECT_EQ(deletions, 1);
  ASSERT_TRUE(log().read_stream(kWorkspace, uuid(1), {1}, [&](const Record& record) {
    EXPECT_EQ(record.before, nullptr);
    EXPECT_EQ(record.event, nullptr);
    return true;
  }));
}

TEST_P(EventLogContract, KeepsEverythingOfARecord) {
  Commit commit = commit_of(uuid(1), 0);
  commit.imported = true;
  auto& record = commit.records[0];
  record.type = 4;
  record.payload = std::string("{\"title\":\"\xc3\xa4\"}");
  record.time = Timestamp{123'456};
  record.id = EventId{uuid(77)};
  record.trace = "00-abc-def-01";
  ASSERT_TRUE(append(log(), commit));
  int visits = 0;
  ASSERT_TRUE(log().read_stream(kWorkspace, uuid(1), {1}, [&](const Record& read) {
    ++visits;
    EXPECT_EQ(read.type, 4);
    EXPECT_TRUE(read.imported);
    EXPECT_EQ(read.time.ms, 123'456);
    EXPECT_EQ(read.id, EventId{uuid(77)});
    EXPECT_EQ(read.actor, kActor);
    EXPECT_EQ(*read.payload, "{\"title\":\"\xc3\xa4\"}");
    EXPECT_EQ(read.trace, "00-abc-def-01");
    return true;
  }));
  EXPECT_EQ(visits, 1);
  EXPECT_EQ(log().workspace_head(kWorkspace).time.ms, 123'456);
}

TEST_P(EventLogContract, HashesChainAndAreFoundByPosition) {
  std::vector<Hash> hashes{Hash{}}, in_workspace{Hash{}};
  for (std::uint32_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(append(log(), commit_of(uuid(1), i)));
    hashes.push_back(log().head().hash);
    in_workspace.push_back(log().workspace_head(kWorkspace).hash);
  }
  for (std::uint64_t i = 0; i <= 5; ++i) {
    EXPECT_EQ(*log().hash_at({i}), hashes[i]) << i;
    EXPECT_EQ(*log().workspace_hash_at(kWorkspace, {i}), in_workspace[i]) << i;
  }
  EXPECT_EQ(*log().hash_at({6}), std::nullopt);
  EXPECT_EQ(std::set<Hash>(hashes.begin(), hashes.end()).size(), 6u);
}

TEST_P(EventLogContract, IdempotencyRowsLandWithTheirCommitAndExpire) {
  Commit commit = commit_of(uuid(1), 0);
  commit.idempotency = IdempotencyRow{"key", "answer", Timestamp{2'000'000}};
  ASSERT_TRUE(append(log(), commit));
  EXPECT_EQ(*log().idempotency_row("key"), "answer");
  EXPECT_EQ(*log().idempotency_row("other"), std::nullopt);
  Commit conflict = commit_of(uuid(1), 0);
  conflict.idempotency = IdempotencyRow{"lost", "never", Timestamp{2'000'000}};
  ASSERT_FALSE(append(log(), conflict));
  EXPECT_EQ(*log().idempotency_row("lost"), std::nullopt);
  // A commit may consist of a row alone.
  Commit alone{kWorkspace, kActor, false, {}, {}, IdempotencyRow{"alone", "kept", Timestamp{3'000'000}}, {}};
  auto kept = append(log(), alone);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->position.value, 1u);
  EXPECT_EQ(kept->in_workspace.value, 1u);
  clock().ms->store(2'000'000);
  EXPECT_EQ(*log().idempotency_row("key"), std::nullopt);
  EXPECT_EQ(*log().idempotency_row("alone"), "kept");
}

TEST_P(EventLogContract, AVisitorStopsAWalk) {
  ASSERT_TRUE(append(log(), commit_of(uuid(1), 0, {"1", "2", "3"})));
  int visits = 0;
  auto stop = [&](const Record&) { return ++visits % 2 != 0; };
  ASSERT_TRUE(log().read_all({0}, {UINT64_MAX}, stop));
  ASSERT_TRUE(log().read_stream(kWorkspace, uuid(1), {1}, stop));
  ASSERT_TRUE(log().read_workspace(kWorkspace, {0}, stop));
  EXPECT_EQ(visits, 6);
  std::string some;
  ASSERT_TRUE(log().read_all({1}, {2}, [&](const Record& record) {
    some += line_of(record);
    return true;
  }));
  EXPECT_EQ(some, "2.2 w7 1@2 t1 2\n");
}

TEST_P(EventLogContract, TheFeedIsTheWalkOfAllFiltered) {
  constexpr std::uint64_t kSeed = 42;
  SCOPED_TRACE(kSeed);
  std::mt19937_64 random(kSeed);
  std::map<std::uint64_t, std::uint32_t> versions;
  for (int i = 0; i < 300; ++i) {
    clock().ms->fetch_add(10);
    const std::uint64_t stream = random() % 40;
    Commit commit = commit_of(uuid(stream), versions[stream], {"{}", "{}", "{}", "{}"});
    versions[stream] += 4;
    commit.actor = UserId{uuid(i > 150 && i < 155 ? 5000 : 100 + random() % 3)};
    for (auto& record : commit.records) record.type = static_cast<std::uint8_t>(1 + random() % 3);
    if (i == 200) commit.records[0].type = 6;
    ASSERT_TRUE(append(log(), commit));
    // Others between: now and then, and later so many that the workspace's own are far apart.
    for (int other = i < 200 ? i % 3 / 2 : 12; other > 0; --other) {
      Commit between = commit_of(uuid(9'000), versions[9'000]++, {"{}"});
      between.workspace = kOther;
      ASSERT_TRUE(append(log(), between));
    }
  }
  std::vector<FeedFilter> filters(10);
  filters[1].actor = UserId{uuid(5000)};
  filters[2].type = 6;
  filters[3].since = Timestamp{1'001'000};
  filters[4].until = Timestamp{1'000'700};
  filters[5].stream = uuid(3);
  filters[6].since = Timestamp{1'001'500};
  filters[6].until = Timestamp{1'001'600};
  filters[6].type = 2;
  filters[7].actor = UserId{uuid(31337)};
  filters[8].last = WorkspacePosition{700};
  filters[9].type = 1;
  filters[9].last = WorkspacePosition{512};
  for (std::size_t i = 0; i < filters.size(); ++i) {
    for (std::uint64_t after : {0u, 1u, 255u, 256u, 500u, 777u, 1199u, 1200u, 5000u}) {
      const auto& filter = filters[i];
      std::string expected, got;
      ASSERT_TRUE(log().read_workspace(kWorkspace, {after}, [&](const Record& record) {
        if ((!filter.actor || record.actor == *filter.actor) && (!filter.type || record.type == *filter.type) &&
            (!filter.since || record.time >= *filter.since) && (!filter.until || record.time <= *filter.until) &&
            (!filter.stream || record.stream == *filter.stream) &&
            (!filter.last || record.in_workspace <= *filter.last)) {
          expected += line_of(record);
        }
        return true;
      }));
      ASSERT_TRUE(log().read_feed(kWorkspace, {after}, filter, [&](const Record& record) {
        got += line_of(record);
        return true;
      }));
      EXPECT_EQ(got, expected) << "filter " << i << " after " << after;
    }
  }
}

TEST_P(EventLogContract, ErasingTakesPayloadsAndKeepsTheChain) {
  ASSERT_TRUE(append(log(), commit_of(uuid(1), 0, {R"({"secret":1})", R"({"secret":2})"})));
  ASSERT_TRUE(append(log(), commit_of(uuid(2), 0, {R"({"kept":1})"})));
  const auto before = *log().hash_at({3});
  Commit commit = commit_of(uuid(1), 2, {"{}"});
  commit.erase = {uuid(1)};
  ASSERT_TRUE(append(log(), commit));
  EXPECT_EQ(all_of(log()),
            "1.1 w7 1@1 t1 (erased)\n"
            "2.2 w7 1@2 t1 (erased)\n"
            "3.3 w7 2@1 t1 {\"kept\":1}\n"
            "4.4 w7 1@3 t1 {}\n");
  EXPECT_EQ(*log().hash_at({3}), before);
}

TEST_P(EventLogContract, ErasingWithoutRecordsChangesNothing) {
  ASSERT_TRUE(append(log(), commit_of(uuid(1), 0, {R"({"title":"it stays"})"})));
  const auto before = all_of(log());
  Commit again = commit_of(uuid(1), 1, {});
  again.erase = {uuid(1)};
  const auto answer = append(log(), again);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->in_workspace, WorkspacePosition{1});
  EXPECT_EQ(all_of(log()), before);
  again.expected.front().expected = {7};
  EXPECT_EQ(append(log(), again).error(), AppendError::conflict);
}

TEST_P(EventLogContract, ABulkAppendIsInvisibleUntilItFinishes) {
  ASSERT_TRUE(append(log(), commit_of(uuid(1), 0)));
  {
    auto bulk = log().begin_bulk(kWorkspace);
    ASSERT_TRUE(bulk);
    auto second = log().begin_bulk(kWorkspace);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), AppendError::queue_full);
    auto meanwhile = append(log(), commit_of(uuid(5), 0));
    ASSERT_FALSE(meanwhile);
    EXPECT_EQ(meanwhile.error(), AppendError::queue_full);
    NewRecord record = record_of(uuid(2), R"({"n":1})");
    record.time = Timestamp{500};
    ASSERT_TRUE((*bulk)->add(kActor, {1}, record));
    EXPECT_EQ(log().head().position.value, 1u);
    EXPECT_EQ(stream_of(log(), uuid(2)), "");
  }  // abandoned
  ASSERT_TRUE(append(log(), commit_of(uuid(2), 0, {R"({"mine":1})"})));
  auto bulk = log().begin_bulk(kWorkspace);
  ASSERT_TRUE(bulk);
  NewRecord record = record_of(uuid(3), R"({"n":2})");
  record.time = Timestamp{500};
  ASSERT_TRUE((*bulk)->add(kActor, {1}, record));
  ASSERT_TRUE((*bulk)->add_system(kActor, {1}, record_of(uuid(4), R"({"type":"x"})", kSystemRecord)));
  auto finished = (*bulk)->finish();
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->in_workspace.value, 3u);
  bulk->reset();
  EXPECT_EQ(all_of(log()),
            "1.1 w7 1@1 t1 {}\n"
            "2.2 w7 2@1 t1 {\"mine\":1}\n"
            "3.3 w7 3@1 t1 {\"n\":2}\n"
            "4.1 w0 4@1 t0 {\"type\":\"x\"}\n");
  ASSERT_TRUE(append(log(), commit_of(uuid(3), 1)));
  EXPECT_FALSE(append(log(), commit_of(uuid(3), 0)));
}

TEST_P(EventLogContract, ABulkAppendTakesEventsThatWereErasedElsewhere) {
  auto bulk = log().begin_bulk(kWorkspace);
  ASSERT_TRUE(bulk);
  NewRecord record = record_of(uuid(1), "");
  record.time = Timestamp{500};
  ASSERT_TRUE((*bulk)->add_erased(kActor, {1}, record));
  record.payload = "{}";
  ASSERT_TRUE((*bulk)->add(kActor, {2}, record));
  ASSERT_TRUE((*bulk)->finish());
  bulk->reset();
  EXPECT_EQ(all_of(log()),
            "1.1 w7 1@1 t1 (erased)\n"
            "2.2 w7 1@2 t1 {}\n");
}

TEST_P(EventLogContract, EverythingIsThereAfterReopening) {
  if (!test_->reopen) GTEST_SKIP() << "a backend that forgets";
  for (std::uint32_t i = 0; i < 10; ++i)
    ASSERT_TRUE(append(log(), commit_of(uuid(i % 3), i / 3, {R"({"i":)" + std::to_string(i) + "}"})));
  Commit kept = commit_of(uuid(50), 0);
  kept.idempotency = IdempotencyRow{"key", "answer", Timestamp{2'000'000}};
  ASSERT_TRUE(append(log(), kept));
  const auto before = all_of(log());
  const auto head = log().head();
  test_->reopen();
  EXPECT_EQ(all_of(log()), before);
  EXPECT_EQ(log().head().hash, head.hash);
  EXPECT_EQ(log().head().position, head.position);
  EXPECT_EQ(*log().idempotency_row("key"), "answer");
  EXPECT_FALSE(append(log(), commit_of(uuid(0), 3)));
  EXPECT_TRUE(append(log(), commit_of(uuid(0), 4)));
}

}  // namespace taskledger::storage
