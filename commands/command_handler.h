// Load, decide, append; on a conflict, again: the one way in which tasks change. Keeps the latest known state of
// recently touched tasks (the ones under way included), so that commands on one task need not wait for each other's
// sync; the log checks every version all the same.
// Threads: any. `done` is called exactly once, on any thread: the caller's, at once; that on which the log answers (its
// appender's, of an erasure the one that purges), or on which another command on the same task ends; or one that read
// a long stream aside. It must not block.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "core/command.h"
#include "core/decider.h"
#include "core/ids.h"
#include "core/task_json.h"
#include "storage/event_log.h"

namespace taskledger::commands {

enum class Action : std::uint8_t { created = 1, updated, completed, reopened, deleted, restored, undone, erased };
[[nodiscard]] std::string_view name_of(Action) noexcept;

// What a command did to a task, as far as its answer tells.
struct TaskOutcome {
  TaskId task;
  Action action = Action::updated;
  Version version;               // of the task after it
  std::optional<EventId> event;  // undo: the first event appended
  friend bool operator==(const TaskOutcome&, const TaskOutcome&) = default;
};
struct Outcome {
  std::vector<TaskOutcome> tasks;  // one; of a batch one a record
  Position position;               // reads must pass this before the answer is sent (0: nothing to wait for)
  WorkspacePosition in_workspace;
  bool replayed = false;  // the first answer of a kept idempotency key
};

// If-Match: any existing task, or one of these versions.
struct IfMatch {
  bool any = false;
  std::vector<Version> versions;
};
struct IdempotencyKey {
  std::string key;          // as the caller sent it
  storage::Hash request{};  // of method, path, query and body
};

enum class Fault {
  precondition_failed,  // If-Match: 412
  key_reused,           // the key was used with another request: 422
  key_in_flight,        // the first request with that key is still under way: 409
  busy,                 // queue full, or a conflict that did not end: 503
  unavailable,          // the disk failed: 503
  unseen,               // done, but the read models have stopped before they passed it: 503
};
struct Failure {
  std::variant<Refusal, Fault> why;
  std::optional<std::size_t> index;  // of the batch record at fault
};
[[noreturn]] void throw_exception_from_error(const Failure&, const boost::source_location&);

struct Caller {
  WorkspaceNumber workspace;
  WorkspaceId workspace_id;
  UserId user;
};

class CommandHandler {
 public:
  using Done = std::function<void(Result<Outcome, Failure>)>;
  virtual ~CommandHandler() = default;

  struct Request {
    Caller caller;
    std::vector<BatchRecord> records;  // one, or a batch; creations get their ids here (UUIDv7)
    bool batch = false;
    std::optional<IfMatch> if_match;  // single commands only
    std::optional<IdempotencyKey> idempotency;
    std::string trace;  // kept with the events; empty: none
  };
  virtual void execute(Request request, Done done) = 0;

  // A write that is no task's (read marks), under the caller's idempotency key like any other. `decide` is called on
  // the caller's thread once the key is claimed: a commit of system records, without records where all is so already. A
  // conflict is no failure: another request did the same.
  struct SystemRequest {
    Caller caller;
    std::optional<IdempotencyKey> idempotency;
    std::function<Result<storage::Commit, Failure>()> decide;
  };
  virtual void append(SystemRequest request, Done done) = 0;
};

struct CommandHandlerOptions {
  std::size_t cached_tasks = 200'000;
  std::size_t cached_bytes = 128 << 20;  // of the same: titles and links can be long
  // Has something done by another thread, soon, or calls `dropped` instead when the server stops before that; false: it
  // cannot now. So that neither an io thread nor the appender's reads a long stream, which otherwise is read where it
  // is needed.
  std::function<bool(std::function<void()> job, std::function<void()> dropped)> aside = {};
};
[[nodiscard]] std::unique_ptr<CommandHandler> make_command_handler(storage::EventLog& log, Clock clock,
                                                                   RandomBytes random,
                                                                   CommandHandlerOptions options = {});

}  // namespace taskledger::commands
