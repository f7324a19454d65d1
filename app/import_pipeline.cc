#include "app/import_pipeline.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "app/command.h"
#include "app/imported_ids.h"
#include "app/task_states.h"
#include "core/decider.h"
#include "core/event.h"

namespace taskledger::app {
namespace {

struct Checked {
  UserId actor;
  Version version;
  storage::NewRecord record;
  bool erased = false;
};
using Batch = std::vector<Checked>;
constexpr std::size_t kBatchEvents = 512;
constexpr std::size_t kWaitingBatches = 16;

// The second thread: writes batches in the order in which they come. The first failure ends it.
class Writer {
 public:
  explicit Writer(storage::BulkAppend& to) : to_(to), thread_([this] { work(); }) {}
  ~Writer() { close(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void write(Batch batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.size() < kWaitingBatches || failure_; });
    if (failure_) throw Failed(*failure_);
    waiting_.push_back(std::move(batch));
    changed_.notify_all();
  }

  // Waits until all is written.
  void finish() {
    close();
    if (failure_) throw Failed(*failure_);
  }

 private:
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const Batch batch = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      changed_.notify_all();
      std::optional<std::string> failure;
      for (const Checked& event : batch) {
        const auto added = event.erased ? to_.add_erased(event.actor, event.version, event.record)
                                        : to_.add(event.actor, event.version, event.record);
        if (added) continue;
        failure = added.error().what;
        break;
      }
      lock.lock();
      if (!failure) continue;
      failure_ = std::move(failure);
      changed_.notify_all();
      return;
    }
  }

  storage::BulkAppend& to_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> waiting_;
  bool closing_ = false;
  std::optional<std::string> failure_;
  std::thread thread_;
};

// Folds what it accepts, so that each line is checked against the ones before it.
class Checker {
 public:
  explicit Checker(const ImportJob& job) : job_(job) {}

  Result<Checked> check(std::string_view line, std::uint64_t line_number) {
    const auto parsed = parse_event_line(line);
    if (!parsed) return parsed.error();
    const ImportedEvent& event = *parsed;
    if (event.time > job_.now) return Invalid{"Field 'time' lies in the future"};
    std::optional<Task> state = states_.find(event.task_id);
    if (!state) {
      state = job_.state_in_log(event.task_id);
      if (state->version.value > 0 && job_.ids_in_log) {
        for (const EventId& id : job_.ids_in_log(event.task_id)) ids_.keep(event.task_id, id);
      }
    }
    if (const auto allowed = check_import(*state, event); !allowed) return allowed.error();

    Checked checked{event.actor, state->version.next(), {}, false};
    if (const auto unique = check_id(event, checked.version); !unique) return unique.error();
    checked.erased = type_of(event.event) != event.type;
    const TaskEvent stored = checked.erased ? event_without_data(event.type) : as_stored(*state, event);
    checked.record.stream = event.task_id.value;
    checked.record.type = static_cast<std::uint8_t>(event.type);
    if (!checked.erased) append_event_data(checked.record.payload, stored);
    checked.record.time = event.time;
    if (event.id && *event.id != derived_event_id(job_.workspace, event.task_id, checked.version)) {
      checked.record.id = event.id;
      ids_.keep(event.task_id, *event.id);
    }
    if (checked.erased && event.type == EventType::task_created) unfinished_.emplace(event.task_id, line_number);
    if (event.type == EventType::task_erased) unfinished_.erase(event.task_id);
    evolve(*state, event.task_id, checked.version, event.time, event.actor, stored);
    states_.keep(*state);
    return checked;
  }

  [[nodiscard]] std::size_t tasks() const { return states_.size(); }
  // The first task whose events have no data and which no TaskErased ended, and the line of its creation.
  [[nodiscard]] std::optional<std::pair<TaskId, std::uint64_t>> unfinished() const {
    const auto first = std::min_element(unfinished_.begin(), unfinished_.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
    return first == unfinished_.end() ? std::nullopt : std::optional<std::pair<TaskId, std::uint64_t>>(*first);
  }

 private:
  Result<void> check_id(const ImportedEvent& event, Version version) const {
    // The event's id, given or derived, must be no earlier event's, given or derived. One that was derived for an event
    // that brings another is free; so is the one that is derived for this, where it is given.
    const EventId own = derived_event_id(job_.workspace, event.task_id, version);
    const EventId id = event.id.value_or(own);
    if (event.id == own) return {};  // as an export of a task says whose earlier event brought this one's
    if (ids_.has(event.task_id, id)) {
      return Invalid{event.id ? "Field 'id' must not be that of an earlier event of the task"
                              : "Field 'id' is required: an earlier event of the task has the one derived for this"};
    }
    if (id.value.bytes[6] >> 4 != 5) return {};
    if (ids_.of(event.task_id) + 1 == version.value) return {};  // all earlier ones brought their own
    for (Version at{1}; at < version; at = at.next()) {
      if (id == derived_event_id(job_.workspace, event.task_id, at))
        return Invalid{"Field 'id' must not be that of an earlier event of the task"};
    }
    return {};
  }

  const ImportJob& job_;
  TaskStates states_;
  ImportedIds ids_;
  std::map<TaskId, std::uint64_t> unfinished_;  // the line of its creation
};

}  // namespace

ImportCounts import_lines(LineReader& lines, const ImportJob& job, storage::BulkAppend& to) {
  ImportCounts counts;
  Checker checker(job);
  Writer writer(to);
  Batch batch;
  std::string_view line;
  while (lines.next(line)) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    auto checked = checker.check(line, lines.line_number());
    if (!checked) throw Failed(job.file + ":" + std::to_string(lines.line_number()) + ": " + checked.error().message);
    batch.push_back(std::move(*checked));
    ++counts.events;
    if (batch.size() == kBatchEvents) {
      writer.write(std::exchange(batch, {}));
      job.progress(counts.events);
    }
  }
  if (const auto unfinished = checker.unfinished()) {
    throw Failed(job.file + ":" + std::to_string(unfinished->second) + ": the events of task " +
                 to_string(unfinished->first) + " have no 'data', and no TaskErased follows them");
  }
  writer.write(std::move(batch));
  writer.finish();
  counts.tasks = checker.tasks();
  return counts;
}

}  // namespace taskledger::app
