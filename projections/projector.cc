#include "projections/projector.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "projections/applier.h"

namespace taskledger::projections {

namespace {
// Records of a group that the appender's thread applies itself: fewer threads take turns. Larger ones are applied while
// the next group is synced.
constexpr std::size_t kAtOnce = 256;

// Whether applying it reads its task's stream, which may be long.
bool reads_stream(const storage::Record& record) {
  const auto type = static_cast<EventType>(record.type);
  return type == EventType::task_erased || (type == EventType::task_restored && record.before == nullptr);
}
}  // namespace

std::unique_ptr<Runner> Runner::create(storage::EventLog& log, storage::ViewStore& views, RunnerOptions options) {
  return std::make_unique<Projector>(log, views, options);
}

Projector::Projector(storage::EventLog& log, storage::ViewStore& views, RunnerOptions options)
    : log_(log),
      views_(views),
      options_(options),
      models_(log, views, generations_),
      pages_(options.page_cache_bytes),
      queue_(options.queue_bytes),
      maintenance_({[this](const auto& names) { return rebuild(names); },
                    [this](const auto& names, bool slow) { return check(names, slow); }},
                   options.self_check_interval) {
  link_->projector = this;
  log_.observe([link = link_](std::span<const storage::Record> records) {
    const std::lock_guard lock(link->mutex);
    if (link->projector != nullptr) link->projector->observe(records);
  });
}

Projector::~Projector() {
  stop();
  const std::lock_guard lock(link_->mutex);
  link_->projector = nullptr;
}

void Projector::observe(std::span<const storage::Record> records) {
  if (stopping_ || has_failed_) return;
  if (started_ && records.size() <= kAtOnce && queue_.empty()) {
    const std::unique_lock lock(applying_, std::try_to_lock);
    // The queue again: what was there a moment ago must have been applied, not be in the projector's hands.
    if (lock.owns_lock() && queue_.empty() && passed_ + 1 == records.front().position.value && is_free(records))
      return apply(records);
  }
  queue_.push(records);
}

// Whether nothing would hold up the one who applies these: images in memory, nobody reading them just now, and no
// stream to read. (A reader who comes between holds it up for as long as it reads; that harms nothing but the time of
// others' writes.)
bool Projector::is_free(std::span<const storage::Record> records) {
  const WorkspaceImage* last = nullptr;
  for (const storage::Record& record : records) {
    if (record.workspace == kSystemWorkspace) continue;
    if (reads_stream(record)) return false;
    if (last != nullptr && last->number == record.workspace) continue;
    WorkspaceImage* workspace = workspaces_.find(record.workspace);
    if (workspace == nullptr || !workspace->loaded || !workspace->lock.try_lock()) return false;
    workspace->lock.unlock();
    last = workspace;
  }
  return true;
}

void Projector::run() {
  for (;;) {
    const auto group = queue_.pop(std::chrono::milliseconds(250));
    if (group != nullptr && !has_failed_) {
      const std::lock_guard lock(applying_);
      apply(group->records);
    }
    if (has_failed_ || (group == nullptr && stopping_)) return;
  }
}

void Projector::write_rows_now_and_then() {
  persisted_at_ = std::chrono::steady_clock::now();
  const auto tick = std::min(options_.persist_interval, std::chrono::milliseconds(100));
  for (;;) {
    {
      std::unique_lock lock(ending_mutex_);
      ending_.wait_for(lock, tick, [this] { return stopping_.load(); });
    }
    if (stopping_ || has_failed_) return;
    const bool due = std::chrono::steady_clock::now() - persisted_at_.load() >= options_.persist_interval;
    if (!due && (models_.changed < options_.persist_tasks || unwritten_)) continue;
    const bool failed_before = unwritten_;
    if (const auto persisted = persist(); !persisted) {
      if (!failed_before)
        spdlog::error("read models cannot be written, and are tried again: {}", persisted.error().what);
    } else {
      if (failed_before) spdlog::info("read models are written again");
      if (const auto purged = views_.purge(stopping_); !purged)
        spdlog::error("read models still hold what was erased: {}", purged.error().what);
    }
    workspaces_.evict(options_.cache_bytes);
  }
}

void Projector::apply(std::span<const storage::Record> records) {
  while (!records.empty() && records.front().position.value <= passed_) records = records.subspan(1);
  while (!records.empty()) {
    // Commits are of one workspace and lie together: a run of one workspace's records is whole commits.
    std::size_t run = 1;
    while (run < records.size() && records[run].workspace == records.front().workspace) ++run;
    const auto one = records.first(run);
    if (const auto applied = apply_run(one); !applied) return fail(applied.error().what);
    passed_ = one.back().position.value;
    waiters_.passed(one.back().position.value);
    if (one.front().workspace != kSystemWorkspace)
      waiters_.passed(one.front().workspace, one.back().in_workspace.value);
    records = records.subspan(run);
  }
}

Result<void, storage::ReadError> Projector::apply_run(std::span<const storage::Record> records) {
  if (records.front().workspace == kSystemWorkspace) {
    for (const storage::Record& record : records) {
      if (record.position <= directory_position_) continue;
      if (auto known = directory_.apply(record); !known) return known;
    }
  }
  auto applied = models_.apply(records);
  // The task is long gone from every list; pages of before that nobody has asked for since may still name it.
  const auto erases = [](const storage::Record& record) {
    return record.workspace != kSystemWorkspace && static_cast<EventType>(record.type) == EventType::task_erased;
  };
  if (std::any_of(records.begin(), records.end(), erases)) pages_.clear();
  return applied;
}

void Projector::fail(const std::string& what) {
  spdlog::critical("read models no longer follow the log, until a restart: {}", what);
  {
    const std::lock_guard lock(failure_mutex_);
    failure_ = what;
  }
  has_failed_ = true;
  queue_.close();
  waiters_.release();
}

std::optional<std::string> Projector::failure() const {
  if (!has_failed_) return std::nullopt;
  const std::lock_guard lock(failure_mutex_);
  return failure_;
}

void Projector::stop() {
  maintenance_.stop();
  {
    const std::lock_guard lock(ending_mutex_);
    if (stopping_.exchange(true)) return;
  }
  ending_.notify_all();
  orders_.stop();
  queue_.close();
  if (thread_.joinable()) thread_.join();
  if (writer_.joinable()) writer_.join();
  if (started_ && !has_failed_ && !rows_end_) {
    auto persisted = persist();
    if (persisted) persisted = views_.flush();
    if (!persisted) spdlog::error("read models cannot be written: {}", persisted.error().what);
  }
  waiters_.release();
}

void Projector::when_passed(Position position, std::function<void()> done) {
  waiters_.wait(position.value, std::move(done), [this] { return passed_.load(); });
}

std::uint64_t Projector::when_workspace_passed(WorkspaceNumber workspace, WorkspacePosition position,
                                               std::function<void()> done) {
  return waiters_.wait(workspace, position.value, std::move(done), [&] { return this->position(workspace).value; });
}

WorkspacePosition Projector::position(WorkspaceNumber workspace) const {
  const WorkspaceImage* found = workspaces_.find(workspace);
  return {found == nullptr ? 0 : found->position.load()};
}

bool Projector::is_loaded(WorkspaceNumber workspace) const {
  const WorkspaceImage* found = workspaces_.find(workspace);
  return found != nullptr && found->loaded;
}

std::vector<ProjectionStatus> Projector::status() const {
  const State state = state_;
  // In this order: what has passed is never beyond the head.
  const std::uint64_t passed = passed_, head = std::max(log_.head().position.value, passed), target = target_;
  std::vector<ProjectionStatus> all;
  for (std::size_t i = 0; i < kProjections; ++i) {
    ProjectionStatus& status = all.emplace_back();
    status.name = kNames[i];
    status.state = state == State::live ? "live" : state == State::catching_up ? "catching_up" : "rebuilding";
    status.checkpoint = {checkpoint_};
    status.lag = head - passed;
    status.generation = generations_[i];
    if (state == State::live) {
      maintenance_.describe(i, status);
      continue;
    }
    status.events_per_second = rate_;
    const std::uint64_t from = started_at_;
    status.progress =
        target > from ? static_cast<double>(passed - std::min(from, passed)) / static_cast<double>(target - from) : 1;
  }
  return all;
}

ImageFigures Projector::images() const {
  ImageFigures figures;
  for (const WorkspaceImage* workspace : workspaces_.all()) {
    if (!workspace->loaded) continue;
    ++figures.workspaces;
    figures.bytes += workspace->bytes;
  }
  return figures;
}

void Projector::purge_erased(std::function<void(Result<void, storage::ReadError>)> done) {
  if (auto purged = purge_now(); !purged) return done(std::move(purged));
  // Rows that a rebuild has folded before, and purges at its end.
  maintenance_.after_rebuild([done = std::move(done)](bool stopped) {
    done(stopped ? storage::ReadError{"stopping"} : Result<void, storage::ReadError>());
  });
}

Result<void, storage::ReadError> Projector::purge_now() {
  if (auto persisted = persist(); !persisted) return persisted;
  return views_.purge(stopping_);
}

}  // namespace taskledger::projections
