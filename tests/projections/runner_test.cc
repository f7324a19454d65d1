// The runner's own promises: waiting for positions, checkpoints that the log does not confirm, payloads that cannot be
// read, writes of rows that fail.
#include "projections/runner.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/projections/memory_view_store.h"
#include "tests/projections/world.h"
#include "tests/storage/passing_log.h"

namespace taskledger::projections {
namespace {

constexpr WorkspaceNumber kFirst{1};

class RunnerTest : public testing::Test {
 protected:
  World world_{7};
  MemoryViewStore views_;
  std::unique_ptr<Runner> runner_;

  void start(RunnerOptions options = {}) {
    runner_ = Runner::create(*world_.log, views_, options);
    const auto started = runner_->start();
    ASSERT_TRUE(started.has_value()) << started.error().what;
  }
  void append_raw(const std::string& payload) {
    storage::Commit commit;
    commit.workspace = kFirst;
    const Uuid id = world_.uuid();
    commit.expected.push_back({id, {}});
    commit.records.push_back({.stream = id, .type = 1, .payload = payload, .time = {}, .id = {}, .trace = {}});
    world_.log->append(std::move(commit), [](const auto& done) { ASSERT_TRUE(done.has_value()); });
  }
};

TEST_F(RunnerTest, WaitersAreCalledOnceTheirPositionHasPassed) {
  start();
  bool global = false, mine = false, cancelled = false, at_once = false;
  runner_->when_passed({1}, [&] { global = true; });
  runner_->when_workspace_passed(kFirst, {1}, [&] { mine = true; });
  runner_->cancel_wait(runner_->when_workspace_passed(kFirst, {1}, [&] { cancelled = true; }));
  EXPECT_FALSE(global || mine);
  append_raw(R"({"title":"x"})");
  while (runner_->passed().value < 1) std::this_thread::yield();
  runner_->stop();
  EXPECT_TRUE(global && mine);
  EXPECT_FALSE(cancelled);
  runner_->when_passed({1}, [&] { at_once = true; });
  EXPECT_TRUE(at_once);
}

TEST_F(RunnerTest, AnOrderBuiltByAReaderCountsAsMemoryOfItsImage) {
  start();
  for (int i = 0; i < 400; ++i) world_.commit(kFirst);
  while (runner_->passed() < world_.log->head().position) std::this_thread::yield();
  runner_->stop();
  start();
  ListQuery query;
  ASSERT_TRUE(runner_->list(kFirst, query));
  const std::size_t before = runner_->images().bytes;
  query.order = {{Field::title, false}};
  ASSERT_TRUE(runner_->list(kFirst, query));
  EXPECT_GT(runner_->images().bytes, before);
}

// A page that holds no more is in memory until it is replaced: not with a title that was to be forgotten.
TEST_F(RunnerTest, AnErasureLeavesNoKeptPage) {
  start();
  const auto all_applied = [&] {
    while (runner_->passed() < world_.log->head().position) std::this_thread::yield();
  };
  for (int i = 0; i < 400; ++i) world_.commit(kFirst);
  all_applied();
  ListQuery query;
  query.meaning.emplace().fill(1);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(runner_->list(kFirst, query).has_value());
  ASSERT_EQ(runner_->kept_pages().pages, 1u);
  const auto before = world_.history.size();
  while (world_.history.size() == before) world_.erase(kFirst);
  all_applied();
  runner_->stop();
  EXPECT_EQ(runner_->kept_pages().pages, 0u);
}

// What a task was comes along with its restoration, so that nobody waits for a long stream to be read; it is folded
// from the log where nothing came. Larger groups are applied by the runner's own thread, from copies.
TEST_F(RunnerTest, ARestoredTaskIsWhatCameWithItsEvent) {
  start();
  const Uuid id = world_.uuid();
  std::uint32_t version = 0;
  const auto append = [&](EventType type, std::shared_ptr<const Task> before, int others) {
    storage::Commit commit;
    commit.workspace = kFirst;
    const auto add = [&](const Uuid& task, EventType of, std::shared_ptr<const Task> was) {
      commit.records.push_back({.stream = task,
                                .type = static_cast<std::uint8_t>(of),
                                .payload = of == EventType::task_created ? R"({"title":"as it was"})" : "{}",
                                .time = {},
                                .id = {},
                                .trace = {},
                                .before = std::move(was),
                                .event = {}});
    };
    for (int i = 0; i < others; ++i) {
      const Uuid other = world_.uuid();
      commit.expected.push_back({other, {}});
      add(other, EventType::task_created, nullptr);
    }
    commit.expected.push_back({id, {version++}});
    add(id, type, std::move(before));
    world_.log->append(std::move(commit), [](const auto& done) { ASSERT_TRUE(done.has_value()); });
    while (runner_->passed() < world_.log->head().position) std::this_thread::yield();
  };
  const auto shown = [&] { return runner_->task(kFirst, {id}, false).value().json; };
  append(EventType::task_created, nullptr, 0);
  for (const int others : {0, 1'000}) {
    append(EventType::task_deleted, nullptr, 0);
    EXPECT_EQ(shown(), "");
    auto before = std::make_shared<Task>();
    before->id = {id};
    before->lifecycle = Lifecycle::deleted;
    before->version = {version};
    before->fields.title = "as it came, in a title too long to lie within the string itself";
    append(EventType::task_restored, std::move(before), others);
    EXPECT_NE(shown().find("as it came"), std::string::npos) << others;
    append(EventType::task_deleted, nullptr, 0);
    append(EventType::task_restored, nullptr, others);
    EXPECT_NE(shown().find("as it was"), std::string::npos) << others;
  }
  runner_->stop();
}

// Streams that must be read (nothing came with a restoration; an erasure's) are read by the runner's own thread: the
// appender goes on.
TEST_F(RunnerTest, TheAppendersThreadReadsNoStream) {
  struct Log final : storage::PassingLog {
    using PassingLog::PassingLog;
    Result<void, storage::ReadError> read_stream(WorkspaceNumber workspace, const Uuid& stream, Version from,
                                                 const storage::Visitor& visit) const override {
      ++(std::this_thread::get_id() == appender ? by_appender : by_others);
      return PassingLog::read_stream(workspace, stream, from, visit);
    }
    const std::thread::id appender = std::this_thread::get_id();  // in memory who appends
    mutable std::atomic<int> by_appender{0}, by_others{0};
  } log(*world_.log);
  runner_ = Runner::create(log, views_, {});
  ASSERT_TRUE(runner_->start().has_value());
  for (int i = 0; i < 2'000; ++i) {
    world_.commit(kFirst);
    if (i % 50 == 0) world_.erase(kFirst);
    while (runner_->passed() < world_.log->head().position) std::this_thread::yield();
  }
  runner_->stop();
  EXPECT_EQ(log.by_appender, 0);
  EXPECT_GT(log.by_others, 20);
  runner_.reset();
}

TEST_F(RunnerTest, ACheckpointTheLogDoesNotConfirmDiscardsItsGeneration) {
  start();
  for (int i = 0; i < 100; ++i) world_.commit(kFirst);
  runner_->stop();
  const auto rows = views_.rows("list");
  ASSERT_FALSE(rows.empty());
  views_.change("list", [](MemoryViewStore::Table& table) { table.begin()->second = "rotten"; });
  views_.set_checkpoint_hash("list", {1, 2, 3});
  const auto old = views_.generation("list"), other = views_.generation("mode");
  start();
  EXPECT_EQ(views_.rows("list"), rows);
  EXPECT_NE(views_.generation("list"), old);
  EXPECT_EQ(views_.generation("mode"), other) << "the others are kept";
}

TEST_F(RunnerTest, ADamagedRowIsAnErrorNotAnAnswer) {
  start();
  append_raw(R"({"title":"x"})");
  runner_->stop();
  views_.change("list", [](MemoryViewStore::Table& table) { table.rbegin()->second = "rotten"; });
  start();
  const auto page = runner_->list(kFirst, {});
  ASSERT_FALSE(page.has_value());
  EXPECT_NE(page.error().what.find("workspace 1"), std::string::npos) << page.error().what;
}

TEST_F(RunnerTest, AnEventThatCannotBeReadStopsTheModelsAndSaysWhere) {
  start();
  append_raw(R"({"title":"x"})");
  append_raw("no JSON");
  bool let_go = false;
  runner_->when_passed({2}, [&] { let_go = true; });
  while (!runner_->failure()) std::this_thread::yield();
  runner_->stop();
  EXPECT_TRUE(let_go);
  EXPECT_NE(runner_->failure()->find("position 2"), std::string::npos) << *runner_->failure();
  EXPECT_EQ(runner_->passed().value, 1u);
  runner_.reset();
  runner_ = Runner::create(*world_.log, views_, {});
  const auto started = runner_->start();
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().what.find("position 2"), std::string::npos);
}

// Rows are those of their position, and then those of the next, whatever happened between.
// Skipped, a revocation would let its token in again.
TEST_F(RunnerTest, ASystemRecordWithoutItsContentStopsTheStartAndSaysWhere) {
  start();
  const Uuid token = world_.uuid();
  for (std::uint32_t version = 0; version < 2; ++version) {
    storage::Commit commit;
    commit.workspace = kSystemWorkspace;
    commit.expected = {{token, {version}}};
    if (version == 1) commit.erase = {token};
    commit.records.push_back({.stream = token,
                              .type = storage::kSystemRecord,
                              .payload = R"({"type":"TokenRevoked"})",
                              .time = {},
                              .id = {},
                              .trace = {}});
    world_.log->append(std::move(commit), [](const auto& done) { ASSERT_TRUE(done.has_value()); });
  }
  while (runner_->passed() < world_.log->head().position) std::this_thread::yield();
  ASSERT_TRUE(runner_->persist().has_value());
  runner_.reset();
  const auto started = Runner::create(*world_.log, views_, {})->start();  // the read models have nothing to fold
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().what, "position 1: its content is gone, and no erasure says so");
}

TEST_F(RunnerTest, RowsThatCannotBeWrittenAreWrittenLater) {
  RunnerOptions only_when_told;
  only_when_told.persist_interval = std::chrono::hours(1);
  start(only_when_told);
  const auto commit_and_wait = [&] {
    for (int i = 0; i < 200; ++i) world_.commit(kFirst);
    while (runner_->passed() < world_.log->head().position) std::this_thread::yield();
  };
  for (const std::string_view what : {"stats", "writes", "notifications"}) {
    SCOPED_TRACE(what);
    commit_and_wait();
    if (what == "writes") {
      views_.fail_writes = true;
    } else {
      views_.make_unreadable(std::string(what));
    }
    EXPECT_FALSE(runner_->persist().has_value());
    EXPECT_TRUE(runner_->rows_unwritten());
    commit_and_wait();
    EXPECT_FALSE(runner_->persist().has_value());
    views_.fail_writes = false;
    views_.make_unreadable({});
    commit_and_wait();
    EXPECT_TRUE(runner_->persist().has_value());
    EXPECT_FALSE(runner_->rows_unwritten());
    EXPECT_EQ(runner_->status().front().checkpoint, world_.log->head().position);
  }
  runner_->stop();
  MemoryViewStore fresh;
  const auto again = Runner::create(*world_.log, fresh, {});
  ASSERT_TRUE(again->start().has_value());
  again->stop();
  for (const char* name : {"list", "mode", "stats", "notifications"})
    EXPECT_EQ(views_.rows(name), fresh.rows(name)) << name;
}

TEST_F(RunnerTest, RowsThatCannotBeWrittenAreCaughtUpFromTheLogLater) {
  start();
  for (int i = 0; i < 50; ++i) world_.commit(kFirst);
  while (runner_->passed() < world_.log->head().position) std::this_thread::yield();
  views_.fail_writes = true;
  EXPECT_FALSE(runner_->persist().has_value());
  EXPECT_TRUE(runner_->list(kFirst, {}).has_value()) << "reads go on from memory";
  runner_.reset();
  views_.fail_writes = false;
  start();
  EXPECT_EQ(runner_->list(kFirst, {})->total, world_.live[kFirst].size());
}

}  // namespace
}  // namespace taskledger::projections
