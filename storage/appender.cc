#include "storage/appender.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <stdexcept>

#include "core/named_thread.h"
#include "storage/keys.h"
#include "storage/wal_check.h"

namespace taskledger::storage {

Appender::Appender(const LogTables& tables, PublishedHeads& heads, Eraser& eraser, AppenderOptions options)
    : tables_(tables),
      heads_(heads),
      eraser_(eraser),
      options_(std::move(options)),
      queue_(options_.max_queued_commits, options_.max_queued_bytes),
      pace_(options_.group_interval, options_.load),
      versions_(tables, options_.cached_streams),
      sweep_(tables) {
  chain_.emplace(tables_, heads_.rows(), options_.clock, options_.random);
  thread_ = named_thread("appender", [this] { run(); });
}

Appender::~Appender() { close(); }

void Appender::observe(EventLog::Observer observer) { observers_.push_back(std::move(observer)); }

void Appender::append(Commit commit, EventLog::OnAppended done) {
  if (failed_.load(std::memory_order_acquire)) return done(AppendError::unavailable);
  PendingCommit pending{std::move(commit), std::move(done), 0};
  pending.bytes = size_of(pending.commit);
  if (auto pushed = queue_.push(pending); !pushed) {
    if (pushed.error() == AppendError::queue_full) turned_away_.fetch_add(1, std::memory_order_relaxed);
    pending.done(pushed.error());
  }
}

void Appender::close() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

std::optional<std::string> Appender::failure() const {
  std::lock_guard lock(failure_mutex_);
  return failure_;
}

std::optional<std::string> Appender::trouble() const {
  std::lock_guard lock(failure_mutex_);
  if (unwritable_.empty()) return std::nullopt;
  const auto& [workspace, why] = *unwritable_.begin();
  return fmt::format("Workspace {} cannot be written: {}", workspace.value, why);
}

AppendFigures Appender::figures() const {
  const auto [commits, bytes, erasures] = queue_.depth();
  return {group_commits_.read(),
          group_records_.read(),
          write_seconds_.read(),
          commits,
          bytes,
          turned_away_.load(std::memory_order_relaxed)};
}

void Appender::fail(const std::string& why) {
  std::lock_guard lock(failure_mutex_);
  if (!failure_) {
    failure_ = why;
    spdlog::critical("writes have stopped until the next start: {}", why);
  }
  failed_.store(true, std::memory_order_release);
}

bool Appender::pause() { return !failed_ && queue_.pause(); }

void Appender::resume() {
  chain_.emplace(tables_, heads_.rows(), options_.clock, options_.random);
  versions_.clear();
  queue_.resume();
}

void Appender::run() {
  std::vector<PendingCommit> taken;
  while (queue_.take(taken, [this] { pace_.wait(); })) {
    pace_.begin(std::chrono::steady_clock::now(), taken.size());
    for (std::size_t begin = 0; begin < taken.size();) begin = write_group(taken, begin);
  }
}

// Writes one group from taken[begin] on and answers it; returns where the next one begins.
std::size_t Appender::write_group(std::vector<PendingCommit>& taken, std::size_t begin) {
  batch_.Clear();
  note_synced(batch_, options_.sync ? heads_.head().position : Position{});
  records_.clear();
  answers_.clear();
  erased_.clear();
  erasures_.clear();
  std::size_t end = begin, records = 0;
  if (!failed_) {
    // First, so that a key written anew in this batch outlives the removal of its expired row.
    if (auto swept = sweep_.sweep(batch_, options_.clock(), 64 + 2 * (taken.size() - begin)); !swept)
      spdlog::error("expired idempotency rows are not removed until the next start: {}", swept.error().what);
  }
  for (; end < taken.size(); ++end) {
    const Commit& commit = taken[end].commit;
    // An erasure reads what is written, so it starts a group; and ends it, as its purge answers it.
    if (end > begin && (!commit.erase.empty() || records >= options_.max_group_records ||
                        batch_.GetDataSize() >= options_.max_group_bytes)) {
      break;
    }
    answers_.push_back(failed_ ? Answer(AppendError::unavailable) : place(commit));
    records += commit.records.size();
    if (!commit.erase.empty()) {
      ++end;
      break;
    }
  }
  if (!failed_ && batch_.Count() > 0) {
    chain_->put_heads(batch_);
    rocksdb::WriteOptions write;
    write.sync = options_.sync;
    const auto started = std::chrono::steady_clock::now();
    const auto status = tables_.write(write, batch_);
    if (status.ok()) {
      write_seconds_.add(std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
      group_commits_.add(static_cast<double>(end - begin));
      group_records_.add(static_cast<double>(records_.size()));
      heads_.publish(chain_->heads(), chain_->touched());
      if (!records_.empty()) {
        for (const auto& observer : observers_) observer(records_);
      }
    } else {
      fail(status.ToString());
    }
  }
  if (failed_) {
    for (auto& answer : answers_) {
      if (answer) answer = AppendError::unavailable;
    }
  }
  versions_.trim();
  answer(taken, begin, end);  // the last: once all are answered, a bulk append may have this thread's place
  return end;
}

void Appender::answer(std::vector<PendingCommit>& taken, std::size_t begin, std::size_t end) {
  CommitQueue::Depth answered;
  for (std::size_t i = begin; i < end; ++i) {
    const CommitQueue::Depth one{1, taken[i].bytes, taken[i].commit.erase.empty() ? 0u : 1u};
    const Answer& given = answers_[i - begin];
    if (given && !taken[i].commit.erase.empty()) {  // the last one of the group
      // The records are durable and visible; only the answer waits for the purge, and counts until then.
      for (Erasure& one : erasures_) one.time = given->time;
      eraser_.purge_later(std::move(erased_), std::move(erasures_),
                          [this, given, one, done = std::move(taken[i].done)](const auto& purged) {
                            if (!purged) fail(purged.error().what);
                            done(purged ? given : Answer(AppendError::unavailable));
                            queue_.release(one);
                          });
      continue;
    }
    taken[i].done(given);
    answered.commits += one.commits;
    answered.bytes += one.bytes;
    answered.erasures += one.erasures;
  }
  if (answered.commits > 0) queue_.release(answered);
}

Appender::Answer Appender::refuse(const Commit& commit, const ReadError& damage) {
  const auto text = fmt::format("a write to workspace {} is refused: {}", commit.workspace.value, damage.what);
  if (told_.is_due(text)) spdlog::error("{}", text);
  return AppendError::unavailable;
}

// False: nothing can be written to the workspace, as trouble() says from now on.
bool Appender::prepare(WorkspaceNumber workspace) {
  const auto prepared = chain_->prepare(workspace);
  if (prepared && unwritable_.empty()) return true;
  std::lock_guard lock(failure_mutex_);
  if (prepared) {
    unwritable_.erase(workspace);
    return true;
  }
  const auto& why = unwritable_[workspace] = prepared.error().what;
  const auto text = fmt::format("workspace {} cannot be written: {}", workspace.value, why);
  if (told_.is_due(text)) spdlog::error("{}", text);
  return false;
}

// Puts a commit's rows into the batch if all its versions hold; otherwise nothing of it.
Appender::Answer Appender::place(const Commit& commit) {
  for (const auto& stream : commit.expected) {
    if (stream.is_new) continue;
    // A damaged table refuses the commits that need it, and no others.
    auto holds = versions_.is(commit.workspace, stream.stream, stream.expected);
    if (!holds) return refuse(commit, holds.error());
    if (!*holds) return AppendError::conflict;
  }
  if (!prepare(commit.workspace)) return AppendError::unavailable;
  batch_.SetSavePoint();
  for (const auto& stream : commit.erase) {
    if (commit.records.empty()) continue;
    erasures_.push_back({commit.workspace, stream, commit.actor, {}});
    auto replaced = replace_payloads(tables_, commit.workspace, stream, heads_.head().position, batch_, erased_);
    if (!replaced) {
      batch_.RollbackToSavePoint();
      erased_.clear();
      erasures_.clear();
      return refuse(commit, replaced.error());
    }
  }
  batch_.PopSavePoint();
  for (const auto& range : erased_) batch_.Put(tables_.heads, keys::erasure(range.first, range.last), rocksdb::Slice());
  return place_records(commit);
}

Appender::Answer Appender::place_records(const Commit& commit) {
  next_versions_.clear();
  for (const auto& stream : commit.expected) next_versions_.push_back(stream.expected.next());
  std::size_t at = 0;  // commits name their streams in the order of their records, or nearly
  Timestamp time = chain_->tip(commit.workspace).head.time;
  for (const auto& record : commit.records) {
    std::size_t tried = 0;
    while (tried < commit.expected.size() && commit.expected[at].stream != record.stream) {
      at = (at + 1) % commit.expected.size();
      ++tried;
    }
    if (tried == commit.expected.size())
      throw std::logic_error("a record's stream is not among the commit's expected ones");
    const Version version = next_versions_[at];
    next_versions_[at] = version.next();
    records_.push_back(chain_->add(rows_, commit.workspace, commit.actor, commit.imported, version, record));
    time = records_.back().time;
  }
  for (std::size_t i = 0; i < commit.expected.size(); ++i) {
    const Version before_next{next_versions_[i].value - 1};
    versions_.set(commit.workspace, commit.expected[i].stream, before_next);
  }
  if (commit.idempotency) sweep_.put(batch_, *commit.idempotency);
  return Appended{chain_->head().position, chain_->tip(commit.workspace).head.position, time};
}

}  // namespace taskledger::storage
