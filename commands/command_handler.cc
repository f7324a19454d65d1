#include "commands/command_handler.h"

#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "commands/decision.h"
#include "commands/kept_answer.h"
#include "commands/task_cache.h"
#include "commands/task_stream.h"
#include "core/ascending_uuids.h"
#include "storage/quick_reads.h"

namespace taskledger::commands {
namespace {

constexpr int kMaxAttempts = 50;

// One request on its way; shared by the callbacks that carry it on.
struct Job {
  CommandHandler::Request request;
  CommandHandler::Done done;
  int attempts = 0;
  std::string kept_key;      // empty: no idempotency key
  std::vector<TaskId> made;  // ids that were made for its creations, in their order
  // Of an undo and of a restoration: the task as the log has it, as far as it has been read; of an undo with its
  // events, and what is decided on them.
  std::optional<TaskHistory> history;
  std::optional<UndoDecision> undo;
  bool claims = false;  // its task's entry in the cache

  // Of the present attempt.
  struct Touch {
    TaskCache::Place place;
    std::uint64_t serial;
    bool changed;
  };
  std::vector<Touch> touched;
  std::optional<Result<Outcome, Failure>> decided;  // absent: the commit only waits for those before it; then try again

  // append() may answer at once, while the mutex is held: then its answer is put aside. Reset after the call; until
  // then only the calling thread compares equal.
  std::atomic<std::thread::id> appending;
  std::optional<storage::EventLog::Appending> at_once;
};
using JobPtr = std::shared_ptr<Job>;

// Whether tasks that come in the order of the request have an id that was made for it: then nobody knows of them. One
// that comes out of order is taken for known, which only costs a look.
class MadeInTurn {
 public:
  explicit MadeInTurn(const Job& job) : made_(job.made) {}
  bool is(const TaskId& id) {
    if (at_ == made_.size() || made_[at_] != id) return false;
    ++at_;
    return true;
  }

 private:
  const std::vector<TaskId>& made_;
  std::size_t at_ = 0;
};

bool is_creation(const BatchRecord& record) { return std::holds_alternative<CreateTask>(record.command); }

const UndoEvent* undo_of(const Job& job) { return std::get_if<UndoEvent>(&job.request.records.front().command); }

class Handler final : public CommandHandler {
 public:
  Handler(storage::EventLog& log, Clock clock, RandomBytes random, CommandHandlerOptions options)
      : log_(log),
        clock_(std::move(clock)),
        random_(std::move(random)),
        aside_(std::move(options.aside)),
        cache_(options.cached_tasks, options.cached_bytes) {}

  void execute(Request request, Done done) override {
    auto job = std::make_shared<Job>();
    job->request = std::move(request);
    job->done = std::move(done);
    give_ids(*job);
    if (!job->request.idempotency || claim_key(job)) run(job);
  }

  void append(SystemRequest request, Done done) override {
    auto job = std::make_shared<Job>();
    job->request.caller = request.caller;
    job->request.idempotency = std::move(request.idempotency);
    job->done = std::move(done);
    if (job->request.idempotency && !claim_key(job)) return;
    auto commit = request.decide();
    if (!commit) return finish(job, commit.error());
    const bool keeps = !job->kept_key.empty();
    if (commit->records.empty() && !keeps) return finish(job, as_of_now(job, Outcome{}));
    if (keeps) commit->idempotency = kept_row(*job, {});
    log_.append(*std::move(commit), [this, job](const storage::EventLog::Appending& result) {
      if (result) return finish(job, Outcome{{}, result->position, {}, false});
      if (result.error() == storage::AppendError::conflict) return finish(job, as_of_now(job, Outcome{}));
      finish(job, Failure{result.error() == storage::AppendError::queue_full ? Fault::busy : Fault::unavailable,
                          std::nullopt});
    });
  }

 private:
  // What the log holds of the tasks that the cache does not.
  using Loaded = std::unordered_map<TaskId, Task>;

  // One for each: from gaps in its ids a workspace could count what others create.
  AscendingUuids& ids_of(WorkspaceNumber workspace) {
    const std::lock_guard lock(ids_mutex_);
    return ids_[workspace];
  }

  void give_ids(Job& job) {
    AscendingUuids& ids = ids_of(job.request.caller.workspace);
    for (BatchRecord& record : job.request.records) {
      if (!is_creation(record) || record.task_id) continue;
      std::array<std::uint8_t, 10> bytes{};
      random_(bytes);
      record.task_id = TaskId{ids.next(clock_().ms, bytes)};
      job.made.push_back(*record.task_id);
    }
  }

  // False when the key has answered the request already.
  bool claim_key(const JobPtr& job) {
    const IdempotencyKey& key = *job->request.idempotency;
    auto bytes = kept_key(job->request.caller, key.key);
    {
      std::unique_lock lock(keys_mutex_);
      const auto [found, mine] = keys_.emplace(bytes, key.request);
      if (!mine) {
        const bool same = found->second == key.request;
        lock.unlock();
        job->done(Failure{same ? Fault::key_in_flight : Fault::key_reused, std::nullopt});
        return false;
      }
    }
    job->kept_key = std::move(bytes);
    // Only after the claim: whoever held the key before has its row on disk by now.
    auto row = log_.idempotency_row(job->kept_key);
    if (!row) {
      spdlog::error("reading an idempotency row: {}", row.error().what);
      finish(job, Failure{Fault::unavailable, std::nullopt});
      return false;
    }
    if (!*row) return true;
    auto kept = decode_kept(**row);
    if (!kept || kept->expires <= clock_()) return true;
    if (kept->request != key.request) {
      finish(job, Failure{Fault::key_reused, std::nullopt});
      return false;
    }
    // The request is over: an erasure is purged by now, or its purge has failed.
    const bool erased = !kept->tasks.empty() && kept->tasks.front().action == Action::erased;
    if (erased && log_.failure()) {
      finish(job, Failure{Fault::unavailable, std::nullopt});
      return false;
    }
    Outcome outcome{std::move(kept->tasks), {}, {}, true};
    finish(job, as_of_now(job, std::move(outcome)));
    return false;
  }

  // Rests on what is durable already: later reads must reflect all of it.
  Outcome as_of_now(const JobPtr& job, Outcome outcome) const {
    outcome.in_workspace = log_.workspace_head(job->request.caller.workspace).position;
    outcome.position = log_.head().position;
    return outcome;
  }

  // `aside`: on a thread that may read for long.
  void run(const JobPtr& job, bool aside = false) {
    while (job->attempts++ < kMaxAttempts) {
      auto loaded = load(*job, aside);
      if (!loaded) {
        spdlog::error("loading a task: {}", loaded.error().what);
        return finish(job, Failure{Fault::unavailable, std::nullopt});
      }
      if (!*loaded) {
        const auto turned_away = [this, job] { finish(job, Failure{Fault::busy, std::nullopt}); };
        if (!aside_([this, job] { run(job, true); }, turned_away)) turned_away();
        return;
      }
      Next next = Next::decided;
      std::optional<storage::EventLog::Appending> at_once;
      {
        const std::lock_guard lock(mutex_);
        next = decide_and_queue(job, **loaded);
        at_once = std::exchange(job->at_once, std::nullopt);
      }
      if (next == Next::decided) return finish(job, std::move(*job->decided));
      if (next == Next::parked) return;
      if (next == Next::overtaken) continue;
      if (!at_once) return;  // answered() carries on, maybe already
      if (!settle(job, *at_once)) return;
    }
    finish(job, Failure{Fault::busy, std::nullopt});
  }

  // nullopt: it takes too long here.
  Result<std::optional<Loaded>, storage::ReadError> load(Job& job, bool aside) {
    const Caller& caller = job.request.caller;
    std::vector<TaskId> missing;
    {
      const std::lock_guard lock(mutex_);
      if (!job.history && rests_on_log(job)) job.history.emplace().state.id = *job.request.records.front().task_id;
      for (const BatchRecord& record : job.request.records) {
        if (is_creation(record) || job.history) continue;  // a fresh id: there is nothing to load
        if (!cache_.find({caller.workspace, *record.task_id})) missing.push_back(*record.task_id);
      }
    }
    std::uint64_t left = storage::kQuickEvents;
    bool too_long = false;
    const auto more = [&](const storage::Record&) {
      too_long = aside_ && !aside && left-- == 0;
      return !too_long;
    };
    Loaded loaded;
    if (job.history) {
      if (auto read = load_history(job, more); !read) return read.error();
      if (too_long || (aside_ && !aside && job.history->events.size() > storage::kQuickEvents))
        return std::optional<Loaded>();
      const Task& state = job.history->state;
      loaded.emplace(state.id, state);
      if (const auto* undo = undo_of(job)) job.undo = decide_undo(state, job.history->events, *undo);
      return std::optional(std::move(loaded));
    }
    for (const TaskId& id : missing) {
      if (loaded.contains(id)) continue;
      auto state = fold_task(log_, caller.workspace, id, more);
      if (!state) return state.error();
      if (too_long) return std::optional<Loaded>();
      loaded.emplace(id, *std::move(state));
    }
    return std::optional(std::move(loaded));
  }

  Result<void, storage::ReadError> load_history(Job& job, const std::function<bool(const storage::Record&)>& more) {
    const Caller& caller = job.request.caller;
    if (undo_of(job) == nullptr) return extend_task(log_, caller.workspace, job.history->state, more);
    return extend_history(log_, caller.workspace, caller.workspace_id, *job.history, more);
  }

  // Whether the task must be folded from the log, whatever the cache says of it: an undo needs its events, and what is
  // restored travels with its record, with the times of the log. Under the mutex.
  bool rests_on_log(const Job& job) {
    const BatchRecord& first = job.request.records.front();
    if (!std::holds_alternative<RestoreTask>(first.command)) return undo_of(job) != nullptr;
    const auto* entry = cache_.find({job.request.caller.workspace, *first.task_id});
    return entry == nullptr || entry->state.lifecycle == Lifecycle::deleted;
  }

  enum class Next {
    queued,     // a commit
    decided,    // without one
    overtaken,  // what was loaded is out of date
    parked,     // until another job is done
  };

  // Under the mutex, so that the order of the log's queue is the order of decisions.
  Next decide_and_queue(const JobPtr& job, Loaded& loaded) {
    const Request& request = job->request;
    job->touched.clear();
    job->decided.reset();

    if (!job->history && rests_on_log(*job)) return Next::overtaken;
    if (job->history) {
      const TaskCache::Key key{request.caller.workspace, job->history->state.id};
      auto* entry = cache_.find(key);
      if (entry && entry->state.version != job->history->state.version) {
        // Events under way are not in the history yet: wait for them, and let nobody else change the task meanwhile. An
        // entry that the log does not bear out goes.
        if (entry->claimed_by != nullptr && entry->claimed_by != job.get()) return park(job, entry->claimed_by);
        if (entry->under_way == 0) {
          cache_.drop(entry->place, entry->serial);
          return Next::overtaken;
        }
        entry->claimed_by = job.get();
        job->claims = true;
        storage::Commit nothing;  // answered when they are
        nothing.workspace = request.caller.workspace;
        nothing.actor = request.caller.user;
        return queue(job, std::move(nothing));
      }
    }

    // What load() left to the cache may have gone from it since.
    for (const BatchRecord& record : request.records) {
      if (is_creation(record)) continue;
      const auto* entry = cache_.find({request.caller.workspace, *record.task_id});
      if (!entry && !loaded.contains(*record.task_id)) return Next::overtaken;
      if (entry && entry->claimed_by != nullptr && entry->claimed_by != job.get()) return park(job, entry->claimed_by);
    }

    Task absent;
    MadeInTurn made(*job);
    const auto known = [&](const TaskId& id) -> const Task& {
      if (job->history) return job->history->state;
      if (!made.is(id)) {
        if (const auto* entry = cache_.find({request.caller.workspace, id})) return entry->state;
        const auto found = loaded.find(id);
        if (found != loaded.end()) return found->second;
      }
      absent = Task{};
      absent.id = id;
      return absent;
    };
    Decision decision = decide_request(request, known, job->undo ? &*job->undo : nullptr, clock_());
    const bool relies_on_queue = touch(*job, decision);
    if (decision.failure) {
      job->decided = *decision.failure;
    } else {
      job->decided = Outcome{std::move(decision.outcomes), {}, {}, false};
    }

    const bool keeps = !decision.failure && !job->kept_key.empty();
    if (decision.records.empty() && decision.erase.empty() && !keeps && !relies_on_queue) {
      if (job->decided->has_value()) job->decided = as_of_now(job, std::move(**job->decided));
      return Next::decided;
    }
    return queue(job, make_commit(*job, decision, keeps));
  }

  // Keeps the states after the decision. Whether one of them comes from a commit that is not answered yet: then even an
  // answer that appends nothing must wait for it.
  bool touch(Job& job, const Decision& decision) {
    bool relies_on_queue = false;
    MadeInTurn made(job);
    for (const auto& task : decision.tasks) {
      const TaskCache::Key key{job.request.caller.workspace, task.after.id};
      const auto* known = made.is(key.task) ? nullptr : cache_.find(key);
      if (known && known->under_way > 0) relies_on_queue = true;
      const bool changed = task.changed() && !decision.failure;
      if (!changed && (known || task.before == Version{0})) {
        if (known) job.touched.push_back({known->place, known->serial, false});
        continue;
      }
      if (decision.failure && !known) continue;
      auto& entry = cache_.keep(key, task.after);
      if (changed) ++entry.under_way;
      job.touched.push_back({entry.place, entry.serial, changed});
    }
    return relies_on_queue;
  }

  storage::Commit make_commit(const Job& job, Decision& decision, bool keeps) const {
    storage::Commit commit;
    commit.workspace = job.request.caller.workspace;
    commit.actor = job.request.caller.user;
    // Also of the tasks that do not change: what was decided must hold when it is answered.
    commit.expected.reserve(decision.tasks.size());
    MadeInTurn made(job);
    for (const auto& task : decision.tasks) {
      commit.expected.push_back({task.after.id.value, task.before, made.is(task.after.id)});
    }
    commit.records = std::move(decision.records);
    commit.erase = std::move(decision.erase);
    if (keeps) commit.idempotency = kept_row(job, (*job.decided)->tasks);
    return commit;
  }

  storage::IdempotencyRow kept_row(const Job& job, const std::vector<TaskOutcome>& outcomes) const {
    const Timestamp expires{clock_().ms + kKeptForMs};
    return {job.kept_key, encode({expires, job.request.idempotency->request, outcomes}), expires};
  }

  Next park(const JobPtr& job, const void* behind) {
    --job->attempts;
    parked_[behind].push_back(job);
    return Next::parked;
  }

  Next queue(const JobPtr& job, storage::Commit commit) {
    job->at_once.reset();
    job->appending = std::this_thread::get_id();
    log_.append(std::move(commit), [this, job](const storage::EventLog::Appending& result) {
      if (job->appending.load() == std::this_thread::get_id()) {
        job->at_once = result;
      } else {
        answered(job, result);
      }
    });
    job->appending = std::thread::id{};
    return Next::queued;
  }

  void answered(const JobPtr& job, const storage::EventLog::Appending& result) {
    if (settle(job, result)) run(job);
  }

  // True: to be tried again. Otherwise the request is answered.
  bool settle(const JobPtr& job, const storage::EventLog::Appending& result) {
    {
      const std::lock_guard lock(mutex_);
      for (const auto& touch : job->touched) {
        if (touch.changed) cache_.settle(touch.place, touch.serial);
        if (!result) cache_.drop(touch.place, touch.serial);
      }
    }
    if (!result) {
      if (result.error() == storage::AppendError::conflict) return true;
      finish(job, Failure{result.error() == storage::AppendError::queue_full ? Fault::busy : Fault::unavailable,
                          std::nullopt});
      return false;
    }
    if (!job->decided) return true;
    if (job->decided->has_value()) {
      (*job->decided)->position = result->position;
      (*job->decided)->in_workspace = result->in_workspace;
    }
    finish(job, std::move(*job->decided));
    return false;
  }

  void finish(const JobPtr& job, Result<Outcome, Failure> result) {
    std::vector<JobPtr> parked;
    if (job->claims) {
      const std::lock_guard lock(mutex_);
      auto* entry = cache_.find({job->request.caller.workspace, job->history->state.id});
      if (entry && entry->claimed_by == job.get()) entry->claimed_by = nullptr;
      if (auto waiting = parked_.extract(job.get())) parked = std::move(waiting.mapped());
    }
    if (!job->kept_key.empty()) {
      const std::lock_guard lock(keys_mutex_);
      keys_.erase(job->kept_key);
    }
    job->history.reset();  // may be long, and the job lives on in the queue until the next commit
    auto done = std::move(job->done);
    done(std::move(result));
    for (const JobPtr& one : parked) run(one);
  }

  storage::EventLog& log_;
  Clock clock_;
  RandomBytes random_;
  const decltype(CommandHandlerOptions::aside) aside_;
  std::mutex ids_mutex_;
  std::unordered_map<WorkspaceNumber, AscendingUuids> ids_;

  std::mutex mutex_;  // decisions, their order in the log's queue, and the cache
  TaskCache cache_;
  std::unordered_map<const void*, std::vector<JobPtr>> parked_;  // behind the job that claims their task
  std::mutex keys_mutex_;
  std::unordered_map<std::string, storage::Hash> keys_;  // under way, with the hash of their request
};

}  // namespace

std::unique_ptr<CommandHandler> make_command_handler(storage::EventLog& log, Clock clock, RandomBytes random,
                                                     CommandHandlerOptions options) {
  return std::make_unique<Handler>(log, std::move(clock), std::move(random), options);
}

}  // namespace taskledger::commands
