// A command handler on a log in memory, a clock that stands still, and a log that holds its answers back.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "commands/command_handler.h"
#include "core/event.h"
#include "storage/memory_event_log.h"
#include "tests/storage/passing_log.h"

namespace taskledger::commands::test {

inline constexpr Timestamp kStart{1'750'000'000'000};

inline Uuid uuid_of(std::uint8_t n) {
  Uuid id;
  id.bytes[15] = n;
  return id;
}

// Passes everything on to `inner`, but keeps commits back while `held`, so that they are under way.
class HoldingLog final : public storage::PassingLog {
 public:
  using PassingLog::PassingLog;

  void append(storage::Commit commit, OnAppended done) override {
    ++appends;
    for (const storage::NewRecord& record : commit.records) {
      if (record.type != storage::kSystemRecord) expect_its_text(record);
    }
    if (refuse) return done(*refuse);
    if (before_append) std::exchange(before_append, nullptr)();
    if (!held) return PassingLog::append(std::move(commit), std::move(done));
    waiting_.push_back({std::move(commit), std::move(done)});
  }
  // What goes along with a record is what its text says.
  static void expect_its_text(const storage::NewRecord& record) {
    ASSERT_NE(record.event, nullptr);
    const auto read = parse_event_data(static_cast<EventType>(record.type), record.payload);
    ASSERT_TRUE(read) << record.payload;
    EXPECT_TRUE(*read == *record.event) << record.payload;
  }
  // Answers what waits, in order; with an error instead, if one is given for all.
  void release(std::optional<storage::AppendError> error = std::nullopt) {
    held = false;
    while (!waiting_.empty()) {
      auto [commit, done] = std::move(waiting_.front());
      waiting_.pop_front();
      if (error) {
        done(*error);
      } else {
        // After append() has returned: what `done` sets off may append again, as on a log with an appender of its own.
        std::optional<Appending> answer;
        PassingLog::append(std::move(commit), [&answer](const Appending& result) { answer = result; });
        done(*answer);
      }
    }
  }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  Result<std::unique_ptr<storage::BulkAppend>, storage::AppendError> begin_bulk(WorkspaceNumber) override {
    return storage::AppendError::closed;
  }
  Result<void, storage::ReadError> read_stream(WorkspaceNumber workspace, const Uuid& stream, Version from,
                                               const storage::Visitor& visit) const override {
    ++stream_reads;
    if (before_read) std::exchange(before_read, nullptr)();
    return PassingLog::read_stream(workspace, stream, from, visit);
  }

  std::optional<std::string> failure() const override { return failed ? failed : PassingLog::failure(); }

  bool held = false;
  std::optional<storage::AppendError> refuse;
  std::optional<std::string> failed;
  std::function<void()> before_append;        // once
  mutable std::function<void()> before_read;  // of a stream; once
  std::size_t appends = 0;
  mutable std::size_t stream_reads = 0;

 private:
  std::deque<std::pair<storage::Commit, OnAppended>> waiting_;
};

class CommandTest : public ::testing::Test {
 protected:
  using Answer = Result<Outcome, Failure>;

  static CommandHandler::Request request(TaskCommand command, std::optional<TaskId> task = std::nullopt) {
    CommandHandler::Request request;
    request.caller = kCaller;
    request.records.push_back({task, std::move(command)});
    return request;
  }
  static CreateTask create(std::string title) {
    CreateTask command;
    command.fields.title = std::move(title);
    return command;
  }
  static UpdateTask retitle(std::string title) {
    UpdateTask command;
    command.patch.title = std::move(title);
    return command;
  }
  // Starts it; the answer is there at once unless the log holds it back.
  std::shared_ptr<std::optional<Answer>> start(CommandHandler::Request request) {
    auto answer = std::make_shared<std::optional<Answer>>();
    handler->execute(std::move(request), [answer](Answer result) {
      EXPECT_FALSE(answer->has_value()) << "answered twice";
      *answer = std::move(result);
    });
    return answer;
  }
  // "completed v3" or the name of what went wrong, for one look.
  static std::string show(const Answer& answer) {
    if (!answer) return show(answer.error());
    std::string out;
    for (const auto& task : answer->tasks) {
      if (!out.empty()) out += ", ";
      out.append(name_of(task.action)).append(" v").append(std::to_string(task.version.value));
    }
    if (answer->replayed) out += " again";
    return out;
  }
  static std::string show(const Failure& failure) {
    static constexpr std::string_view kRefusals[] = {"not_found",       "already_exists", "not_deleted",    "erased",
                                                     "event_not_found", "superseded",     "nothing_to_undo"};
    static constexpr std::string_view kFaults[] = {"precondition_failed", "key_reused", "key_in_flight", "busy",
                                                   "unavailable",         "unseen"};
    const auto* refusal = std::get_if<Refusal>(&failure.why);
    std::string out(refusal ? kRefusals[static_cast<int>(*refusal)]
                            : kFaults[static_cast<int>(std::get<Fault>(failure.why))]);
    if (failure.index) out += " [" + std::to_string(*failure.index) + "]";
    return out;
  }
  std::string run(CommandHandler::Request request) {
    auto answer = start(std::move(request));
    if (!answer->has_value()) return "waiting";
    last = **answer;
    return show(**answer);
  }
  std::string run(TaskCommand command, std::optional<TaskId> task = std::nullopt) {
    return run(request(std::move(command), task));
  }
  TaskId make(std::string title) {
    EXPECT_EQ(run(create(std::move(title))), "created v1");
    return last->value().tasks.front().task;
  }
  // "TaskCreated TaskUpdated", as the log has it.
  std::string stream(const TaskId& task) {
    std::string out;
    (void)memory->read_stream(kCaller.workspace, task.value, Version{1}, [&](const storage::Record& record) {
      if (!out.empty()) out += ' ';
      out += taskledger::name_of(static_cast<EventType>(record.type));
      return true;
    });
    return out;
  }

  static inline const Caller kCaller{WorkspaceNumber{1}, workspace_id_of("test"), UserId{uuid_of(7)}};
  Timestamp now = kStart;
  std::mt19937_64 random{42};
  std::unique_ptr<storage::EventLog> memory = storage::make_memory_event_log([this] { return now; });
  HoldingLog log{*memory};
  std::unique_ptr<CommandHandler> handler = make_command_handler(
      log, [this] { return now; },
      [this](std::span<std::uint8_t> bytes) {
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
      });
  std::optional<Answer> last;
};

}  // namespace taskledger::commands::test
