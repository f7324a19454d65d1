// Races on the log on disk, where answers come on the appender's thread: If-Match lets one of two win, changes of
// different fields both survive, and a conflict is loaded and appended again from inside its own answer.
#include <atomic>
#include <barrier>
#include <condition_variable>
#include <filesystem>
#include <thread>

#include "commands/task_stream.h"
#include "storage/rocks_event_log.h"
#include "tests/commands/fixture.h"
#include "tests/storage/log_fixture.h"

namespace taskledger::commands::test {
namespace {

class RacesTest : public ::testing::Test {
 protected:
  using Answer = Result<Outcome, Failure>;

  RacesTest() {
    directory_ = *storage::DataDirectory::open(
        folder_.path() / "data", {storage::DataDirectory::Access::exclusive, {}, storage::seeded_random(1)});
    storage::LogOptions options;
    options.clock = [] { return kStart; };
    options.random = storage::seeded_random(2);
    options.durability = storage::Durability::os;  // the races are the same, and the disk is spared
    log_ = *storage::open_event_log(*directory_, options);
  }
  std::unique_ptr<CommandHandler> handler() {
    return make_command_handler(
        *log_, [] { return kStart; },
        [this](std::span<std::uint8_t> bytes) {
          const std::lock_guard lock(random_mutex_);
          random_(bytes);
        });
  }
  static Answer execute(CommandHandler& handler, TaskCommand command, std::optional<TaskId> task,
                        std::optional<IfMatch> match = std::nullopt) {
    CommandHandler::Request request;
    request.caller = {WorkspaceNumber{1}, workspace_id_of("test"), UserId{uuid_of(7)}};
    request.records.push_back({task, std::move(command)});
    request.if_match = std::move(match);
    std::mutex mutex;
    std::condition_variable there;
    std::optional<Answer> answer;
    handler.execute(std::move(request), [&](Answer given) {
      const std::lock_guard lock(mutex);
      answer = std::move(given);
      there.notify_all();
    });
    std::unique_lock lock(mutex);
    there.wait(lock, [&] { return answer.has_value(); });
    return *std::move(answer);
  }
  static CreateTask create() {
    CreateTask command;
    command.fields.title = "start";
    return command;
  }
  static UpdateTask retitle(std::string title) {
    UpdateTask command;
    command.patch.title = std::move(title);
    return command;
  }

  storage::TemporaryDirectory folder_;
  std::unique_ptr<storage::DataDirectory> directory_;
  std::unique_ptr<storage::RocksEventLog> log_;
  std::mutex random_mutex_;
  RandomBytes random_ = storage::seeded_random(3);
};

TEST_F(RacesTest, OfTwoWithTheSameTagOneWinsEveryTime) {
  constexpr std::uint32_t kRounds = 3000;
  const auto commands = handler();
  const TaskId task = execute(*commands, create(), std::nullopt)->tasks.front().task;
  std::atomic<int> won = 0, lost = 0, other = 0;
  std::barrier round(2, [&]() noexcept {
    if (won != 1 || lost != 1) ++other;
    won = lost = 0;
  });
  const auto racer = [&](int me) {
    for (std::uint32_t i = 0; i < kRounds; ++i) {
      const auto answer = execute(*commands, retitle(std::to_string(me) + "/" + std::to_string(i)), task,
                                  IfMatch{false, {Version{i + 1}}});
      if (answer) ++won;
      if (!answer && answer.error().why == std::variant<Refusal, Fault>(Fault::precondition_failed)) ++lost;
      round.arrive_and_wait();
    }
  };
  std::thread first(racer, 1), second(racer, 2);
  first.join();
  second.join();
  EXPECT_EQ(other, 0);
  EXPECT_EQ(log_->head().position, Position{kRounds + 1}) << "one event for each winner, none for the loser";
}

TEST_F(RacesTest, ChangesOfDifferentFieldsBothSurvive) {
  constexpr int kRounds = 1000;
  const auto commands = handler();
  const TaskId task = execute(*commands, create(), std::nullopt)->tasks.front().task;
  std::atomic<int> refused = 0;
  std::thread titles([&] {
    for (int i = 1; i <= kRounds; ++i) refused += !execute(*commands, retitle(std::to_string(i)), task);
  });
  std::thread dates([&] {
    for (int i = 1; i <= kRounds; ++i) {
      UpdateTask update;
      update.patch.due_date = std::optional(Timestamp{i});
      refused += !execute(*commands, update, task);
    }
  });
  titles.join();
  dates.join();
  EXPECT_EQ(refused, 0);
  const auto folded = fold_task(*log_, WorkspaceNumber{1}, task);
  ASSERT_TRUE(folded);
  EXPECT_EQ(folded->fields.title, std::to_string(kRounds));
  EXPECT_EQ(folded->fields.due_date, Timestamp{kRounds});
  EXPECT_EQ(folded->version, Version{2 * kRounds + 1});
}

// An undo reads its task's history, and is decided while nobody else's change is under way: it must not starve beside
// those who change the task all the time, nor keep them from it.
TEST_F(RacesTest, UndoesBesideWritersOfALongTask) {
  constexpr int kVersions = 600, kWriters = 3, kUndoes = 10;
  std::atomic<int> aside = 0;
  std::vector<std::thread> threads;
  std::mutex threads_mutex;
  const auto commands = make_command_handler(
      *log_, [] { return kStart; },
      [this](std::span<std::uint8_t> bytes) {
        const std::lock_guard lock(random_mutex_);
        random_(bytes);
      },
      {.aside = [&](std::function<void()> job, const std::function<void()>&) {
        const std::lock_guard lock(threads_mutex);
        ++aside;
        threads.emplace_back(std::move(job));
        return true;
      }});
  const TaskId task = execute(*commands, create(), std::nullopt)->tasks.front().task;
  for (int i = 0; i < kVersions; ++i) ASSERT_TRUE(execute(*commands, retitle(std::to_string(i)), task));
  EXPECT_EQ(aside, 0);
  std::atomic<bool> writing = true;
  std::atomic<int> written = 0, refused = 0;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; writing; ++i) {
        const bool done =
            execute(*commands, retitle(std::to_string(writer) + "/" + std::to_string(i)), task).has_value();
        ++(done ? written : refused);
      }
    });
  }
  while (written == 0) std::this_thread::yield();
  int undone = 0;
  for (int i = 0; i < kUndoes; ++i) undone += execute(*commands, UndoEvent{}, task).has_value();
  writing = false;
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(undone, kUndoes);
  EXPECT_GE(aside, kUndoes) << "a long history is read aside";
  EXPECT_EQ(refused, 0);
  const auto folded = fold_task(*log_, WorkspaceNumber{1}, task);
  ASSERT_TRUE(folded);
  EXPECT_EQ(folded->version.value, static_cast<std::uint32_t>(1 + kVersions + written + kUndoes)) << "each once";
  for (auto& thread : threads) thread.join();
}

// Each handler believes its own cache, so that most appends conflict; each conflict is answered on the appender's
// thread, which loads and appends again.
TEST_F(RacesTest, ConflictsAreTriedAgainOnTheAppendersThread) {
  constexpr int kHandlers = 2, kEach = 400;
  std::vector<std::unique_ptr<CommandHandler>> handlers;
  for (int i = 0; i < kHandlers; ++i) handlers.push_back(handler());
  const TaskId task = execute(*handlers[0], create(), std::nullopt)->tasks.front().task;
  std::atomic<int> done = 0, busy = 0, other = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2 * kHandlers; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < kEach; ++k) {
        const auto answer = execute(*handlers[static_cast<std::size_t>(i % kHandlers)],
                                    retitle(std::to_string(i) + "/" + std::to_string(k)), task);
        if (answer) {
          ++done;
        } else {
          const auto& why = answer.error().why;
          ++(why == std::variant<Refusal, Fault>(Fault::busy) ? busy : other);
          if (const Fault* fault = std::get_if<Fault>(&why); fault == nullptr || *fault != Fault::busy)
            ADD_FAILURE() << (fault == nullptr ? "refused" : "fault ")
                          << (fault == nullptr ? 0 : static_cast<int>(*fault));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(other, 0);
  EXPECT_EQ(done + busy, 2 * kHandlers * kEach);
  EXPECT_GT(done, busy) << "giving up is the exception";
  const auto folded = fold_task(*log_, WorkspaceNumber{1}, task);
  ASSERT_TRUE(folded);
  EXPECT_EQ(folded->version, Version{static_cast<std::uint32_t>(done) + 1}) << "each once";
}

}  // namespace
}  // namespace taskledger::commands::test
