// Many threads on few tasks: what each was told must be what the log says, whatever the order.
#include <atomic>
#include <thread>

#include "tests/commands/fixture.h"

namespace taskledger::commands::test {
namespace {

TEST(CommandConcurrency, EveryAcknowledgedUpdateIsInTheLogOnce) {
  constexpr int kThreads = 8, kEach = 300;
  auto log = storage::make_memory_event_log([] { return kStart; });
  std::atomic<std::uint8_t> next{0};
  auto handler = make_command_handler(
      *log, [] { return kStart; },
      [&](std::span<std::uint8_t> bytes) {
        for (auto& byte : bytes) byte = ++next;
      });
  const Caller caller{WorkspaceNumber{1}, workspace_id_of("test"), UserId{uuid_of(7)}};
  auto execute = [&](TaskCommand command, std::optional<TaskId> task, std::optional<IfMatch> match) {
    CommandHandler::Request request;
    request.caller = caller;
    request.records.push_back({task, std::move(command)});
    request.if_match = std::move(match);
    std::optional<Result<Outcome, Failure>> answer;
    handler->execute(std::move(request), [&](Result<Outcome, Failure> result) { answer = std::move(result); });
    return *answer;  // the log in memory answers on this thread
  };
  CreateTask create;
  create.fields.title = "start";
  const auto task = execute(create, std::nullopt, std::nullopt)->tasks.front().task;

  std::atomic<int> won{0}, lost{0}, other{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Version seen{1};
      for (int i = 0; i < kEach; ++i) {
        UpdateTask update;
        update.patch.title = std::to_string(t) + "/" + std::to_string(i);
        const auto answer = execute(update, task, IfMatch{false, {seen}});
        if (answer) {
          ++won;
          seen = answer->tasks.front().version;
        } else if (answer.error().why == std::variant<Refusal, Fault>(Fault::precondition_failed)) {
          ++lost;
          seen = log->head().position.value ? Version{static_cast<std::uint32_t>(log->head().position.value)} : seen;
        } else {
          ++other;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(other, 0);
  EXPECT_EQ(won + lost, kThreads * kEach);
  EXPECT_EQ(log->head().position.value, static_cast<std::uint64_t>(won) + 1)
      << "one event for each 200, none for a 412";
}

}  // namespace
}  // namespace taskledger::commands::test
