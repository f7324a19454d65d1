#include "tests/faults/random_commands.h"

#include <gtest/gtest.h>

#include "commands/task_stream.h"
#include "projections/rebuild/folded_log.h"
#include "storage/bulk_append.h"
#include "storage/verify.h"

namespace taskledger::faults {
namespace {

constexpr std::size_t kAtOnce = 8;
const std::array<std::string, 2> kWorkspaces{"first", "second"};

commands::Caller caller_of(std::uint64_t workspace, std::uint64_t user) {
  Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(user + 1);
  return {WorkspaceNumber{static_cast<std::uint32_t>(workspace + 1)}, workspace_id_of(kWorkspaces[workspace]),
          UserId{id}};
}

std::string trace_of(std::size_t number) { return "command " + std::to_string(number); }

// The answer says for sure that nothing was written.
bool is_refusal(const Answer& answer) {
  if (answer) return false;
  if (std::holds_alternative<Refusal>(answer.error().why)) return true;
  const auto fault = std::get<commands::Fault>(answer.error().why);
  return fault != commands::Fault::unavailable && fault != commands::Fault::unseen;
}

}  // namespace

std::string RandomCommands::new_title() { return "Title " + std::to_string(++titles_) + std::string(pick(300), 'x'); }

TaskId RandomCommands::new_task() {
  Uuid id;
  for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random_());
  return {id};
}

TaskId RandomCommands::some_task(WorkspaceNumber workspace) {
  const auto& known = tasks_[workspace];
  return known.empty() ? new_task() : known[pick(known.size())];
}

TaskFields RandomCommands::fields() {
  TaskFields fields;
  fields.title = new_title();
  if (pick(2)) fields.due_date = Timestamp{1'750'000'000'000 + static_cast<std::int64_t>(pick(1'000'000'000))};
  if (pick(2)) fields.priority = static_cast<Priority>(1 + pick(3));
  if (pick(2)) fields.assigned_to = caller_of(0, pick(3)).user;
  if (pick(4) == 0) fields.links.push_back({EntityId{new_task().value}, EntityType::contacts});
  return fields;
}

void RandomCommands::single(Command& command, const TaskId& task) {
  const auto add = [&](TaskCommand what) { command.request.records.push_back({task, std::move(what)}); };
  const auto kind = pick(100);
  if (kind < 45) {
    UpdateTask update;
    update.patch.title = new_title();
    if (pick(2)) update.patch.priority = static_cast<Priority>(1 + pick(3));
    add(std::move(update));
    command.records = 1;
  } else if (kind < 75) {
    add(CompleteTask{pick(3) > 0});
  } else if (kind < 82) {
    add(DeleteTask{});
    command.records = 1;
  } else if (kind < 89) {
    add(RestoreTask{});
    command.records = 1;
  } else if (kind < 97) {
    add(UndoEvent{});
  } else {
    add(EraseTask{});
  }
}

void RandomCommands::batch(Command& command) {
  command.request.batch = true;
  const std::size_t count = 2 + pick(12);
  const bool creates = pick(2);
  std::set<TaskId> touched;
  for (std::size_t i = 0; i < count; ++i) {
    const TaskId task = creates ? new_task() : some_task(command.request.caller.workspace);
    if (!touched.insert(task).second) continue;
    if (creates) {
      tasks_[command.request.caller.workspace].push_back(task);
      command.request.records.push_back({task, CreateTask{fields()}});
    } else {
      UpdateTask update;
      update.patch.title = new_title();
      command.request.records.push_back({task, std::move(update)});
    }
  }
  command.records = command.request.records.size();
}

RandomCommands::Command RandomCommands::random_command() {
  Command command;
  auto& request = command.request;
  request.caller = caller_of(pick(5) == 0, pick(3));
  request.trace = trace_of(commands_.size());
  if (pick(2)) {
    storage::Hash hash{};
    const std::uint64_t number = commands_.size();
    std::memcpy(hash.data(), &number, sizeof number);
    request.idempotency = commands::IdempotencyKey{"key " + std::to_string(number), hash};
  }
  const auto kind = pick(100);
  if (kind < 40) {
    const TaskId task = new_task();
    tasks_[request.caller.workspace].push_back(task);
    request.records.push_back({task, CreateTask{fields()}});
    command.records = 1;
  } else if (kind < 85) {
    single(command, some_task(request.caller.workspace));
  } else {
    batch(command);
  }
  return command;
}

void RandomCommands::start(const std::shared_ptr<Command>& command) {
  {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [this] { return under_way_ < kAtOnce; });
    ++under_way_;
  }
  machine_.commands().execute(command->request, [this, command](Answer answer) {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(command->answer) << "answered twice";
    command->answer = std::move(answer);
    --under_way_;
    answered_.notify_all();
  });
}

void RandomCommands::run(std::size_t count) {
  for (std::size_t i = 0; i < count && !machine_.disk().cut() && !machine_.log().failure(); ++i) {
    commands_.push_back(std::make_shared<Command>(random_command()));
    start(commands_.back());
    // Now and then alone, so that groups of one happen too.
    if (pick(4) == 0) wait();
    if (pick(8) == 0) write_rows(1 + pick(4));
  }
}

// Rows of reactors, which share the log's WAL and are not synced; the disk may fail meanwhile.
void RandomCommands::write_rows(std::size_t count) {
  const auto store = machine_.log().reactor_store();
  for (std::size_t i = 0; i < count; ++i)
    static_cast<void>(store->write({{"row " + std::to_string(pick(20)), std::string(pick(400), 'r')}}));
}

void RandomCommands::wait() {
  std::unique_lock lock(mutex_);
  answered_.wait(lock, [this] { return under_way_ == 0; });
}

Answer RandomCommands::execute(commands::CommandHandler::Request request) {
  std::optional<Answer> answer;
  std::mutex mutex;
  std::condition_variable there;
  machine_.commands().execute(std::move(request), [&](Answer given) {
    const std::lock_guard lock(mutex);
    answer = std::move(given);
    there.notify_all();
  });
  std::unique_lock lock(mutex);
  there.wait(lock, [&] { return answer.has_value(); });
  return *std::move(answer);
}

bool RandomCommands::import(std::size_t events) {
  auto command = std::make_shared<Command>();
  command->request.caller = caller_of(0, 0);
  command->records = events;
  const std::string trace = trace_of(commands_.size());
  commands_.push_back(command);
  command->answer = commands::Failure{commands::Fault::unavailable, std::nullopt};
  auto bulk = machine_.log().begin_bulk(WorkspaceNumber{1});
  if (!bulk) return false;
  for (std::size_t i = 0; i < events; ++i) {
    storage::NewRecord record;
    const TaskId task = new_task();
    record.stream = task.value;
    record.type = static_cast<std::uint8_t>(EventType::task_created);
    record.payload = event_data(TaskCreated{fields()});
    record.time = machine_.log().workspace_head(WorkspaceNumber{1}).time;
    record.trace = trace;
    tasks_[WorkspaceNumber{1}].push_back(task);
    if (!(*bulk)->add(command->request.caller.user, Version{1}, record)) return false;
  }
  const auto finished = (*bulk)->finish();
  if (!finished) return false;
  command->answer = commands::Outcome{{}, finished->position, finished->in_workspace, false};
  return true;
}

// Folds the log, and counts the records of each command.
void RandomCommands::read_log() {
  folded_.clear();
  in_log_.clear();
  std::map<WorkspaceNumber, std::uint64_t> positions;
  std::uint64_t last = 0;
  auto read = machine_.log().read_all({0}, {UINT64_MAX}, [&](const storage::Record& record) {
    EXPECT_EQ(record.position.value, ++last) << "positions have no gaps";
    EXPECT_EQ(record.in_workspace.value, ++positions[record.workspace]) << "nor have a workspace's";
    Task& task = folded_[record.workspace][{record.stream}];
    EXPECT_EQ(record.version, task.version.next()) << "nor have versions";
    auto event = commands::event_of(record);
    EXPECT_TRUE(event) << event.error().what;
    if (!event) return false;
    evolve(task, {record.stream}, record.version, record.time, record.actor, *event);
    InLog& found = in_log_[std::string(record.trace)];
    if (found.records++ == 0) found.first = record.position;
    found.last = record.position;
    return true;
  });
  EXPECT_TRUE(read) << read.error().what;
  EXPECT_EQ(machine_.log().head().position.value, last);
}

void RandomCommands::check_command(std::size_t number, Command& command) {
  SCOPED_TRACE(trace_of(number));
  const InLog found = in_log_[trace_of(number)];
  if (found.records > 0) {
    EXPECT_EQ(found.last.value - found.first.value + 1, found.records) << "a commit lies together";
  }
  if (command.seen) {
    EXPECT_EQ(*command.seen, found.records) << "what an earlier start showed has changed";
  }
  ASSERT_TRUE(command.answer) << "never answered";
  if (*command.answer) {
    const auto& outcome = **command.answer;
    if (command.records && !outcome.replayed) {
      EXPECT_EQ(found.records, *command.records) << "acknowledged, and not whole";
    }
    if (found.records > 0 && !outcome.replayed) {
      EXPECT_EQ(found.last, outcome.position);
    }
    for (const auto& task : outcome.tasks) {
      EXPECT_GE(folded_[command.request.caller.workspace][task.task].version, task.version) << "acknowledged, and lost";
    }
  } else if (is_refusal(*command.answer)) {
    EXPECT_EQ(found.records, 0u) << "refused, and written";
  } else if (found.records > 0 && command.records) {
    EXPECT_EQ(found.records, *command.records) << "half of a commit";
  }
  command.seen = found.records;
}

void RandomCommands::check_log() {
  read_log();
  for (std::size_t i = 0; i < commands_.size(); ++i) check_command(i, *commands_[i]);
  const auto verified = storage::verify_log(machine_.directory());
  EXPECT_TRUE(verified) << verified.error().what;
}

void RandomCommands::check_models() {
  auto& models = machine_.models();
  EXPECT_EQ(models.passed(), machine_.log().head().position);
  for (const auto& [workspace, tasks] : folded_) {
    for (const auto& [id, task] : tasks) {
      const auto answer = models.task(workspace, id, false);
      ASSERT_TRUE(answer) << answer.error().what;
      std::string expected;
      if (task.lifecycle == Lifecycle::live) append_task_json(expected, task);
      EXPECT_EQ(answer->json, expected);
    }
  }
  const auto persisted = models.persist();
  ASSERT_TRUE(persisted) << persisted.error().what;
  projections::Team team(1, false);
  projections::FoldedLog fold(team);
  ASSERT_TRUE(fold.fold(machine_.log(), machine_.log().head().position, [](Position) { return true; }));
  fold.sort();
  for (const std::string projection : {"list", "mode", "stats", "notifications"}) {
    SCOPED_TRACE(projection);
    std::map<std::string, std::string> expected, rows;
    std::string key, value;
    for (auto next = fold.rows(projection); next(key, value);) expected[key] = value;
    auto scanned = machine_.views().scan(projection, machine_.views().generation(projection), "", "",
                                         [&](std::string_view k, std::string_view v) {
                                           rows.emplace(k, v);
                                           return true;
                                         });
    ASSERT_TRUE(scanned) << scanned.error().what;
    EXPECT_TRUE(rows == expected) << rows.size() << " rows, a fold of the log gives " << expected.size();
  }
}

void RandomCommands::retry_all() {
  for (std::size_t i = 0; i < commands_.size(); ++i) {
    Command& command = *commands_[i];
    if (!command.request.idempotency || is_refusal(*command.answer)) continue;
    SCOPED_TRACE("again: " + trace_of(i));
    const bool written = *command.seen > 0;
    const auto before = machine_.log().head().position;
    const Answer again = execute(command.request);
    if (*command.answer) {
      ASSERT_TRUE(again);
      EXPECT_TRUE(again->replayed);
      EXPECT_EQ(again->tasks, (*command.answer)->tasks);
      EXPECT_EQ(machine_.log().head().position, before) << "written twice";
    } else if (written) {
      ASSERT_TRUE(again);
      EXPECT_TRUE(again->replayed) << "the events are there and the kept answer is not";
      EXPECT_EQ(machine_.log().head().position, before) << "written twice";
      command.answer = again;
    } else {
      command.answer = again;  // done only now, or refused by what has happened meanwhile
      command.seen.reset();
    }
  }
}

Answer RandomCommands::write_one() {
  commands_.push_back(std::make_shared<Command>());
  Command& command = *commands_.back();
  command.request.caller = caller_of(0, 0);
  command.request.trace = trace_of(commands_.size() - 1);
  command.request.records.push_back({new_task(), CreateTask{fields()}});
  command.records = 1;
  command.answer = execute(command.request);
  return *command.answer;
}

void RandomCommands::check_reads_go_on() {
  for (const auto& command : commands_) {
    if (!command->answer || !*command->answer || (*command->answer)->tasks.empty()) continue;
    const auto& task = (*command->answer)->tasks.front();
    const auto answer = machine_.models().task(command->request.caller.workspace, task.task, false);
    EXPECT_TRUE(answer) << answer.error().what;
  }
}

std::size_t RandomCommands::acknowledged() const {
  std::size_t count = 0;
  for (const auto& command : commands_) count += command->answer && *command->answer;
  return count;
}

}  // namespace taskledger::faults
