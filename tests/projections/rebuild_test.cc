// Rebuilds and checks: what is folded in parallel is what was applied one by one; a rebuild beside writers and readers
// loses nothing and heals rows and memory; a check names what somebody changed behind the models' back; stopping in
// the middle leaves the old generation.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <thread>

#include "projections/rebuild/check.h"
#include "projections/rebuild/fresh_generations.h"
#include "projections/runner.h"
#include "tests/projections/memory_view_store.h"
#include "tests/projections/world.h"

namespace taskledger::projections {
namespace {

using namespace std::chrono_literals;

constexpr WorkspaceNumber kFirst{1}, kSecond{2};
const std::vector<std::string> kAll{"list", "mode", "stats", "notifications"};

class RebuildTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  World world_{GetParam()};
  MemoryViewStore views_;
  std::unique_ptr<Runner> runner_;

  void start(RunnerOptions options = {}) {
    runner_ = Runner::create(*world_.log, views_, options);
    const auto started = runner_->start();
    ASSERT_TRUE(started.has_value()) << started.error().what;
  }
  void commit(int commits) {
    for (int i = 0; i < commits; ++i) world_.commit(world_.chance(80) ? kFirst : kSecond);
  }
  void settle() {
    while (runner_->passed() < world_.log->head().position) std::this_thread::yield();
    ASSERT_TRUE(runner_->persist().has_value());
  }
  ProjectionStatus status(const std::string& name) {
    for (const auto& one : runner_->status()) {
      if (one.name == name) return one;
    }
    return {};
  }
  void await_live() {
    for (const std::string& name : kAll) {
      while (status(name).state != "live") std::this_thread::sleep_for(1ms);
    }
  }
  CheckStatus check(const std::string& name) {
    EXPECT_TRUE(runner_->request_check(name));
    for (;; std::this_thread::sleep_for(1ms)) {
      const CheckStatus found = status(name).check;
      if (found.state != CheckStatus::State::waiting && found.state != CheckStatus::State::running) return found;
    }
  }
  void expect_pages() {
    for (const WorkspaceNumber workspace : {kFirst, kSecond}) {
      ListQuery query;
      query.limit = 100;
      const auto expected = World::expected(world_.live[workspace], query);
      const auto page = runner_->list(workspace, query);
      ASSERT_TRUE(page.has_value()) << page.error().what;
      ASSERT_EQ(page->total, expected.size());
      std::string rows;
      for (std::size_t i = 0; i < std::min<std::size_t>(100, expected.size()); ++i) {
        if (i != 0) rows += ',';
        append_task_json(rows, *expected[i]);
      }
      ASSERT_EQ(*page->rows, rows);
    }
  }
};

TEST_P(RebuildTest, WhatIsFoldedIsWhatWasApplied) {
  RunnerOptions options;
  options.persist_interval = 2ms;  // many writes of rows while others change
  start(options);
  commit(3'000);
  settle();
  for (const unsigned threads : {1u, 3u}) {
    Team team(threads);
    const auto compared = check_generations(*world_.log, views_, kAll, team, [](Position) { return true; });
    ASSERT_TRUE(compared.has_value()) << compared.error().what;
    EXPECT_EQ(compared->differences, 0u) << compared->first.front();
    EXPECT_GT(compared->rows, 1'000u);
  }
}

// What is on disk is of one state, its checkpoint's, whenever it was written.
TEST_P(RebuildTest, RowsAreOfTheirCheckpointWhileWritersGoOn) {
  RunnerOptions options;
  options.persist_interval = 1ms;
  start(options);
  std::atomic<bool> done{false};
  std::jthread writer([&] {
    commit(4'000);
    done = true;
  });
  int checks = 0;
  for (; !done || checks == 0; ++checks) {
    for (const std::string& name : kAll) {
      const CheckStatus found = check(name);
      ASSERT_EQ(found.state, CheckStatus::State::ok) << (found.first.empty() ? found.failure : found.first.front());
    }
  }
  writer.join();
  EXPECT_GT(checks, 0);
}

// Rebuilds and checks fold in rounds.
TEST_P(RebuildTest, WhatIsErasedBetweenTwoRoundsOfAFoldLeavesNothing) {
  Team team(2);
  const auto fold = [&](FoldedLog& folded) {
    const auto read = folded.fold(*world_.log, world_.log->head().position, [](Position) { return true; });
    ASSERT_TRUE(read.has_value()) << read.error().what;
  };
  const auto rows = [](const FoldedLog& folded, const std::string& name) {
    std::map<std::string, std::string> all;
    const RowSource source = folded.rows(name);
    for (std::string key, value; source(key, value);) all.emplace(key, value);
    return all;
  };
  commit(1'000);
  FoldedLog in_rounds(team), sorted_before(team), at_once(team);
  fold(in_rounds);
  fold(sorted_before);
  sorted_before.sort();
  const std::size_t before = rows(sorted_before, "notifications").size();
  for (int i = 0; i < 60; ++i) world_.erase(kFirst);
  commit(10);
  for (FoldedLog* folded : {&in_rounds, &sorted_before, &at_once}) {
    fold(*folded);
    folded->sort();
  }
  EXPECT_LT(rows(at_once, "notifications").size(), before);
  for (const std::string& name : kAll) {
    EXPECT_EQ(rows(in_rounds, name), rows(at_once, name)) << name;
    EXPECT_EQ(rows(sorted_before, name), rows(at_once, name)) << name;
  }
}

// Threads load parts of a read model side by side: together they are its rows, wherever workspaces begin and end.
TEST_P(RebuildTest, PartsOfRowsAreTheRowsInTheirOrder) {
  const std::vector<WorkspaceNumber> emptied{{3}, {5}, {9}};
  commit(static_cast<int>(world_.pick(400)));
  for (const WorkspaceNumber workspace : {WorkspaceNumber{4}, WorkspaceNumber{7}}) world_.commit(workspace);
  for (const WorkspaceNumber workspace : emptied) {
    const Uuid task = world_.uuid();
    for (const auto& [type, payload] :
         {std::pair(EventType::task_created, R"({"title":"Gone"})"), std::pair(EventType::task_deleted, "{}")}) {
      storage::Commit commit;
      commit.workspace = workspace;
      commit.actor = {world_.uuid()};
      commit.expected = {{task, {type == EventType::task_created ? 0u : 1u}}};
      commit.records.push_back({.stream = task,
                                .type = static_cast<std::uint8_t>(type),
                                .payload = payload,
                                .time = {},
                                .id = {},
                                .trace = {}});
      world_.log->append(std::move(commit), [](const auto& done) { ASSERT_TRUE(done.has_value()); });
    }
  }
  // Some notifications are read, some by themselves; and there are users who have marks and no notification.
  const auto head = world_.log->workspace_head(kFirst).position;
  for (const auto& [id, task] : world_.live[kFirst]) {
    if (!task.fields.assigned_to || !world_.chance(60)) continue;
    world_.mark(NotificationRead{kFirst, *task.fields.assigned_to, {world_.pick(head.value) + 1}});
    if (world_.chance(5))
      world_.mark(NotificationsRead{kFirst, *task.fields.assigned_to, {world_.pick(head.value) + 1}});
  }
  UserId last;
  last.value.bytes.fill(0xFF);
  for (const UserId& user : {UserId{}, last}) world_.mark(NotificationsRead{kSecond, user, {1}});
  for (const unsigned threads : {1u, 2u, 5u, 40u}) {
    Team team(threads);
    FoldedLog folded(team);
    const auto read = folded.fold(*world_.log, world_.log->head().position, [](Position) { return true; });
    ASSERT_TRUE(read.has_value()) << read.error().what;
    folded.sort();
    for (const std::string& name : kAll) {
      using Rows = std::vector<std::pair<std::string, std::string>>;
      Rows whole, in_parts;
      const auto take = [](const RowSource& source, Rows& rows) {
        for (std::string key, value; source(key, value);) rows.emplace_back(key, value);
      };
      take(folded.rows(name), whole);
      EXPECT_TRUE(std::is_sorted(whole.begin(), whole.end())) << name;
      EXPECT_EQ(folded.parts(name).size(), 1u) << "so few rows are not worth a file for each thread";
      const auto parts = folded.parts(name, 1);
      EXPECT_LE(parts.size(), threads * 4) << name;
      for (const auto& part : parts) take(part(), in_parts);
      EXPECT_EQ(in_parts, whole) << name << " by " << threads << " threads";
    }
  }
}

// As somebody leaves a log who takes content away by hand: no TaskErased says so.
TEST_P(RebuildTest, ContentThatIsGoneWithoutAnErasureIsNoStateToFold) {
  start();
  commit(300);
  world_.erase(kFirst);
  settle();
  const Task task = world_.live[kFirst].begin()->second;
  std::optional<Position> first;
  ASSERT_TRUE(world_.log->read_stream(kFirst, task.id.value, {1}, [&](const storage::Record& record) {
    first = record.position;
    return false;
  }));
  storage::Commit commit;
  commit.workspace = kFirst;
  commit.expected = {{task.id.value, task.version}};
  commit.erase = {task.id.value};
  commit.records.push_back({.stream = task.id.value,
                            .type = static_cast<std::uint8_t>(EventType::task_updated),
                            .payload = R"({"title":"another"})",
                            .time = {},
                            .id = {},
                            .trace = {}});
  world_.log->append(std::move(commit), [](const auto& done) { ASSERT_TRUE(done.has_value()); });
  settle();
  const std::string gone = "position " + std::to_string(first->value) + ": its content is gone, and no erasure says so";
  const CheckStatus checked = check("list");
  EXPECT_EQ(checked.state, CheckStatus::State::failed);
  EXPECT_EQ(checked.failure, gone);
  runner_.reset();
  MemoryViewStore none;
  const auto started = Runner::create(*world_.log, none, {})->start();
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().what, gone);
}

// What is erased is gone from the log before the rows say so.
TEST_P(RebuildTest, ErasuresThatAreNotWrittenYetAreNoDifference) {
  RunnerOptions options;
  options.persist_interval = 1h;
  start(options);
  commit(1'000);
  settle();
  for (const std::string& name : kAll) {
    for (int i = 0; i < 10; ++i) world_.erase(kFirst);
    while (runner_->passed() < world_.log->head().position) std::this_thread::yield();
    const CheckStatus found = check(name);
    ASSERT_EQ(found.state, CheckStatus::State::ok) << (found.first.empty() ? found.failure : found.first.front());
  }
}

TEST_P(RebuildTest, BesideWritersAndReadersNothingIsLost) {
  RunnerOptions options;
  options.persist_interval = 3ms;
  start(options);
  commit(1'000);
  std::atomic<bool> done{false};
  std::jthread writer([&] {
    commit(4'000);
    done = true;
  });
  std::atomic<int> pages{0};
  std::jthread reader([&] {
    std::uint64_t position = 0;
    for (; !done && !::testing::Test::HasFatalFailure(); ++pages) {
      const auto page = runner_->list(kFirst, {});
      ASSERT_TRUE(page.has_value()) << page.error().what;
      ASSERT_GE(page->position.value, position) << "a later answer is of an earlier state";
      position = page->position.value;
    }
  });
  int rebuilds = 0;
  for (; !done || rebuilds == 0; ++rebuilds) {
    for (const std::string& name : kAll) {
      if (rebuilds % 3 != 1 || name == kAll[static_cast<std::size_t>(rebuilds) % 4]) {
        ASSERT_TRUE(runner_->request_rebuild(name));
      }
    }
    await_live();
    ASSERT_EQ(status("list").failure, "");
  }
  writer.join();
  reader.join();
  settle();
  expect_pages();
  for (const std::string& name : kAll) {
    const CheckStatus found = check(name);
    EXPECT_EQ(found.state, CheckStatus::State::ok) << (found.first.empty() ? found.failure : found.first.front());
  }
  EXPECT_GT(status("list").generation, 1u);
  EXPECT_GT(pages, 0);
  // What is on disk opens, and says the same.
  runner_->stop();
  Team team(2);
  const auto compared = check_generations(*world_.log, views_, kAll, team, [](Position) { return true; });
  ASSERT_TRUE(compared.has_value());
  EXPECT_EQ(compared->differences, 0u) << compared->first.front();
  runner_.reset();
  start();
  expect_pages();
}

TEST_P(RebuildTest, ACheckNamesWhatWasChangedBehindItsBackAndARebuildHealsIt) {
  start();
  commit(500);
  settle();
  const std::vector<std::pair<std::string, std::string>> kinds{{"list", "is not what the log says"},
                                                               {"mode", "is missing"},
                                                               {"stats", "should not be there"},
                                                               {"notifications", "is missing"}};
  for (const auto& [name, what] : kinds) {
    ASSERT_EQ(check(name).state, CheckStatus::State::ok);
    views_.change(name, [&](MemoryViewStore::Table& table) {
      if (name == "list") {
        table.rbegin()->second.back() ^= 1;
      } else if (name == "stats") {
        table["zzz"] = "row";
      } else {
        table.erase(table.begin());
      }
    });
    const auto before = views_.rows(name);
    const CheckStatus found = check(name);
    EXPECT_EQ(found.state, CheckStatus::State::different);
    EXPECT_EQ(found.differences, 1u);
    ASSERT_EQ(found.first.size(), 1u);
    EXPECT_NE(found.first[0].find(what), std::string::npos) << found.first[0];
    EXPECT_EQ(views_.rows(name), before) << "a check changes nothing";
    EXPECT_TRUE(runner_->divergence().has_value());
    const auto generation = status(name).generation, other = status(name == "list" ? "mode" : "list").generation;
    ASSERT_TRUE(runner_->request_rebuild(name));
    await_live();
    EXPECT_GT(status(name).generation, generation);
    EXPECT_EQ(status(name == "list" ? "mode" : "list").generation, other) << "only the one asked for is replaced";
    EXPECT_FALSE(runner_->divergence().has_value());
    EXPECT_EQ(check(name).state, CheckStatus::State::ok);
  }
  EXPECT_FALSE(runner_->request_rebuild("lists"));
  EXPECT_FALSE(runner_->request_check(""));
}

TEST_P(RebuildTest, AWrongImageIsFoundAndReplaced) {
  start();
  commit(300);
  settle();
  runner_->stop();
  const auto rows = views_.rows("list");
  // The image is loaded from a row that is then put right on disk: only memory is wrong.
  views_.change("list", [](MemoryViewStore::Table& table) { table.rbegin()->second[1] ^= 64; });  // the version
  start();
  ASSERT_TRUE(runner_->list(kSecond, {}).has_value());
  views_.change("list", [&](MemoryViewStore::Table& table) { table = rows; });
  const CheckStatus found = check("list");
  EXPECT_EQ(found.state, CheckStatus::State::different);
  ASSERT_FALSE(found.first.empty());
  EXPECT_NE(found.first[0].find("in memory"), std::string::npos) << found.first[0];
  ASSERT_TRUE(runner_->request_rebuild("list"));
  await_live();
  EXPECT_EQ(check("list").state, CheckStatus::State::ok);
  expect_pages();
}

// What io threads ask is answered while a commit waits for somebody who reads for long.
TEST_P(RebuildTest, BriefReadsDoNotWaitForLongOnes) {
  start();
  commit(100);
  settle();
  std::atomic<bool> reading{false}, go_on{false};
  std::jthread reader([&] {
    EXPECT_TRUE(runner_->read_image(kFirst, [&](const Image&, WorkspacePosition) {
      reading = true;
      while (!go_on) std::this_thread::sleep_for(1ms);
    }));
  });
  while (!reading) std::this_thread::sleep_for(1ms);
  world_.commit(kFirst);
  std::this_thread::sleep_for(50ms);  // for it to be waiting
  EXPECT_LT(runner_->passed(), world_.log->head().position);
  auto brief = std::async(std::launch::async, [&] {
    EXPECT_TRUE(runner_->list_at_once(kFirst, {}));
    EXPECT_TRUE(runner_->task(kFirst, TaskId{}, true));
    EXPECT_TRUE(runner_->stats(kFirst, {}));
  });
  EXPECT_EQ(brief.wait_for(10s), std::future_status::ready);
  go_on = true;
  settle();
}

// It has folded what is erased meanwhile, and would write it to files after the erasure was answered.
TEST_P(RebuildTest, APurgeWaitsForARebuildUnderWay) {
  start();
  commit(100);
  settle();
  using Purged = Result<void, storage::ReadError>;
  bool at_once = false;
  runner_->purge_erased([&](const Purged& purged) { at_once = purged.has_value(); });
  ASSERT_TRUE(at_once) << "none is under way";
  std::atomic<bool> loading{false}, go_on{false};
  views_.before_load = [&] {
    loading = true;
    while (!go_on) std::this_thread::sleep_for(1ms);
  };
  ASSERT_TRUE(runner_->request_rebuild("list"));
  while (!loading) std::this_thread::sleep_for(1ms);
  std::promise<bool> purged;
  auto ended = purged.get_future();
  runner_->purge_erased([&](const Purged& done) { purged.set_value(done.has_value()); });  // nobody waits in here
  EXPECT_EQ(ended.wait_for(50ms), std::future_status::timeout);
  go_on = true;
  EXPECT_TRUE(ended.get());
  EXPECT_EQ(status("list").state, "live");
  await_live();
}

TEST_P(RebuildTest, TheSelfCheckFindsADivergenceByItself) {
  RunnerOptions options;
  options.self_check_interval = 5ms;
  start(options);
  commit(200);
  settle();
  while (runner_->maintenance_figures().checks < 2) std::this_thread::sleep_for(1ms);
  EXPECT_FALSE(runner_->divergence().has_value());
  views_.change("mode", [](MemoryViewStore::Table& table) { table.begin()->second = "x"; });
  while (!runner_->divergence()) std::this_thread::sleep_for(1ms);
  EXPECT_GE(runner_->maintenance_figures().differences, 1u);
  EXPECT_EQ(status("mode").check.state, CheckStatus::State::different);
}

// A crash at each step of a rebuild: the store as it was flushed, or as it is, opens to the same answers.
TEST_P(RebuildTest, ACrashLeavesOneWholeGeneration) {
  start();
  commit(400);
  settle();
  ASSERT_TRUE(views_.flush().has_value());
  std::vector<MemoryViewStore::Content> crashes;
  std::atomic<bool> done{false};
  std::jthread watcher([&] {
    while (!done) {
      crashes.push_back(views_.flushed());
      std::this_thread::sleep_for(200us);
    }
  });
  for (const std::string& name : kAll) ASSERT_TRUE(runner_->request_rebuild(name));
  await_live();
  done = true;
  watcher.join();
  crashes.push_back(views_.flushed());
  runner_.reset();
  for (std::size_t i = 0; i < crashes.size(); i += std::max<std::size_t>(1, crashes.size() / 20)) {
    views_.restore(crashes[i]);
    start();
    expect_pages();
    EXPECT_EQ(check("stats").state, CheckStatus::State::ok);
    runner_.reset();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RebuildTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace taskledger::projections
