// Random commands on a Machine, what was answered to each, and what the log and the read models must say of them after
// a crash. Everything but the threads' timing follows from the seed.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/task.h"
#include "tests/faults/machine.h"

namespace taskledger::faults {

using Answer = Result<commands::Outcome, commands::Failure>;

class RandomCommands {
 public:
  RandomCommands(Machine& machine, std::uint64_t seed) : machine_(machine), random_(seed) {}

  // Starts `count` commands, up to eight at once, unless the disk fails before.
  void run(std::size_t count);
  // An import of new tasks into an open log without models, all or nothing. Whether it was told to be done.
  bool import(std::size_t events);
  // Waits for the answers of all; call after the machine has closed, or while it lives.
  void wait();

  // On an open log: gapless, chained, every acknowledged commit whole, every other whole or absent, and none of them
  // different from what an earlier check saw.
  void check_log();
  // On open models: they equal a fold of the log.
  void check_models();
  // Sends every command with an idempotency key again: answered as before, written once.
  void retry_all();
  // One command that writes; its answer.
  Answer write_one();
  // Reads of tasks that are there, from the models.
  void check_reads_go_on();

  [[nodiscard]] std::size_t acknowledged() const;

 private:
  struct Command {
    commands::CommandHandler::Request request;
    std::optional<std::size_t> records;  // how many it appends when it succeeds, where that is known
    std::optional<Answer> answer;
    std::optional<std::size_t> seen;  // how many records of it the log had when it was looked at first
  };
  struct InLog {
    std::size_t records = 0;
    Position first, last;
  };
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  Command random_command();
  void single(Command& command, const TaskId& task);
  void batch(Command& command);
  TaskFields fields();
  std::string new_title();
  TaskId new_task();
  TaskId some_task(WorkspaceNumber workspace);
  void start(const std::shared_ptr<Command>& command);
  void write_rows(std::size_t count);
  Answer execute(commands::CommandHandler::Request request);
  void read_log();
  void check_command(std::size_t number, Command& command);

  Machine& machine_;
  std::mt19937_64 random_;
  std::vector<std::shared_ptr<Command>> commands_;  // shared with the callbacks of those under way
  std::map<WorkspaceNumber, std::vector<TaskId>> tasks_;
  std::uint64_t titles_ = 0;
  std::map<WorkspaceNumber, std::map<TaskId, Task>> folded_;
  std::map<std::string, InLog> in_log_;  // by trace

  std::mutex mutex_;
  std::condition_variable answered_;
  std::size_t under_way_ = 0;
};

}  // namespace taskledger::faults
