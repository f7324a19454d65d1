// Readers beside writers: no page shows half of a commit, a page and its total are of one state, and what has passed is
// visible. Each commit changes a pair of tasks alike; run under TSan too.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "projections/runner.h"
#include "tests/projections/memory_view_store.h"
#include "tests/projections/world.h"

namespace taskledger::projections {
namespace {

constexpr WorkspaceNumber kWorkspace{1};

Uuid numbered(std::uint8_t first, std::uint8_t second) {
  Uuid id;
  id.bytes[0] = first;
  id.bytes[1] = second;
  return id;
}

// One writer's pairs: the tasks (writer, 2 i) and (writer, 2 i + 1) always have the same title.
void write_pairs(storage::EventLog& log, std::uint8_t writer, int commits, Runner& runner) {
  std::mt19937 random(writer);
  std::map<Uuid, Version> versions;
  for (int i = 0; i < commits; ++i) {
    const auto pair = static_cast<std::uint8_t>(random() % 20);
    storage::Commit commit;
    commit.workspace = kWorkspace;
    commit.actor = {numbered(200, writer)};
    const std::string title = "round " + std::to_string(i);
    for (const std::uint8_t half : {0, 1}) {
      const Uuid id = numbered(writer, static_cast<std::uint8_t>(pair * 2 + half));
      Version& version = versions[id];
      commit.expected.push_back({id, version});
      TaskEvent event = TaskCreated{};
      if (version.value == 0) {
        std::get<TaskCreated>(event).fields.title = title;
        std::get<TaskCreated>(event).fields.due_date = Timestamp{kStart + pair};
      } else {
        TaskPatch patch;
        patch.title = title;
        patch.due_date = Timestamp{kStart + i};
        event = TaskUpdated{std::move(patch)};
      }
      commit.records.push_back({.stream = id,
                                .type = static_cast<std::uint8_t>(type_of(event)),
                                .payload = event_data(event),
                                .time = {},
                                .id = {},
                                .trace = {}});
      version = version.next();
    }
    std::optional<storage::Appended> appended;
    log.append(std::move(commit), [&](const storage::EventLog::Appending& done) {
      if (done) appended = *done;
    });
    ASSERT_TRUE(appended.has_value());
    std::atomic<bool> seen{false};
    runner.when_passed(appended->position, [&] { seen = true; });
    while (!seen) std::this_thread::yield();
    const auto mine = runner.task(kWorkspace, {numbered(writer, static_cast<std::uint8_t>(pair * 2))}, false);
    ASSERT_TRUE(mine.has_value());
    ASSERT_GE(mine->position, appended->in_workspace);
    ASSERT_NE(mine->json.find("\"" + title + "\""), std::string::npos) << "a write is not visible to its writer";
  }
}

void check_page(const ListPage& page, std::uint64_t& last_position) {
  ASSERT_EQ(page.total % 2, 0u) << "half of a commit";
  ASSERT_GE(page.position.value, last_position);
  last_position = page.position.value;
  std::map<std::string, int> titles;  // title and writer: pairs
  std::size_t rows = 0;
  for (std::size_t at = page.rows->find("{\"id\":\""); at != std::string::npos;
       at = page.rows->find("{\"id\":\"", at + 1)) {
    ++rows;
    const std::size_t title = page.rows->find("\"title\":\"", at) + 9;
    ++titles[page.rows->substr(at + 7, 2) + page.rows->substr(title, page.rows->find('"', title) - title)];
  }
  ASSERT_EQ(rows, std::min<std::uint64_t>(page.total, 100));
  if (page.total > 100) return;
  for (const auto& [title, count] : titles) ASSERT_EQ(count % 2, 0) << title;
}

TEST(ReadModelsConcurrency, ReadersSeeWholeCommits) {
  std::atomic<std::int64_t> clock{kStart};
  const auto log = storage::make_memory_event_log([&] { return Timestamp{clock++}; });
  MemoryViewStore views;
  RunnerOptions options;
  options.persist_interval = std::chrono::milliseconds(2);
  const auto runner = Runner::create(*log, views, options);
  ASSERT_TRUE(runner->start().has_value());
  std::atomic<bool> writing{true};
  std::vector<std::thread> readers, writers;
  readers.emplace_back([&] {
    while (writing) {
      for (const ProjectionStatus& status : runner->status()) ASSERT_LT(status.lag, 1'000'000u);
    }
  });
  for (unsigned reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader] {
      std::uint64_t last = 0;
      for (unsigned i = 0; writing; ++i) {
        ListQuery query;
        query.limit = 100;
        const Field fields[] = {Field::due_date, Field::title, Field::updated_at, Field::created_at};
        query.order = {{fields[(i + reader) % 4], i % 2 == 0}};
        if (i % 5 == 0) query.search = {"round"};
        const auto page = runner->list(kWorkspace, query);
        ASSERT_TRUE(page.has_value());
        ASSERT_NO_FATAL_FAILURE(check_page(*page, last));
        StatsQuery stats;
        stats.week = {{0}, kMaxTimestamp};
        const auto answer = runner->stats(kWorkspace, stats);
        ASSERT_TRUE(answer.has_value());
        ASSERT_EQ(answer->stats.total % 2, 0u);
        ASSERT_EQ(answer->stats.this_week, answer->stats.total);
        (void)runner->status();
        query.meaning.emplace().fill(static_cast<std::uint8_t>((i + reader) % 4 * 4 + (i % 2) * 2 + (i % 5 == 0)));
        for (int again = 0; again < 3; ++again) {  // the third time from the cache of pages, if nobody wrote
          if (const auto kept = runner->list_at_once(kWorkspace, query)) check_page(*kept, last);
        }
      }
    });
  }
  for (std::uint8_t writer = 0; writer < 2; ++writer)
    writers.emplace_back([&, writer] { write_pairs(*log, writer, 600, *runner); });
  for (auto& thread : writers) thread.join();
  writing = false;
  for (auto& thread : readers) thread.join();
  EXPECT_GT(runner->kept_pages().hits, 0u);
  runner->stop();
}

}  // namespace
}  // namespace taskledger::projections
