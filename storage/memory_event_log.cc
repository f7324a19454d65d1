#include "storage/memory_event_log.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <stdexcept>
#include <unordered_map>

#include "storage/bulk_append.h"
#include "storage/feed_block.h"
#include "storage/record_format.h"

namespace taskledger::storage {
namespace {

struct Stored {
  Record record;  // without its views
  bool erased = false;
  std::string payload, trace;
  Hash log_after{}, workspace_after{};
  [[nodiscard]] Record view() const {
    Record out = record;
    out.payload = erased ? std::nullopt : std::optional<std::string_view>(payload);
    out.trace = trace;
    return out;
  }
};

class MemoryLog final : public EventLog {
 public:
  explicit MemoryLog(Clock clock) : clock_(std::move(clock)) {}

  void append(Commit commit, OnAppended done) override {
    // `appending_` keeps order between commits; `mutex_` is free while callbacks run, so that they may read.
    std::lock_guard order(appending_);
    if (bulk_open_) return done(AppendError::queue_full);
    std::vector<Record> records;
    Appending answer = AppendError::conflict;
    {
      std::lock_guard lock(mutex_);
      answer = place(commit, records);
    }
    if (!records.empty()) {
      for (const auto& observer : observers_) observer(records);
    }
    done(answer);
  }

  void observe(Observer observer) override { observers_.push_back(std::move(observer)); }

  Result<std::unique_ptr<BulkAppend>, AppendError> begin_bulk(WorkspaceNumber workspace) override {
    std::lock_guard order(appending_);
    if (bulk_open_) return AppendError::queue_full;
    bulk_open_ = true;
    return std::unique_ptr<BulkAppend>(std::make_unique<Bulk>(*this, workspace));
  }

  Result<void, ReadError> read_stream(WorkspaceNumber workspace, const Uuid& stream, Version from,
                                      const Visitor& visit) const override {
    return visit_all(visit, [&](const Stored& stored) {
      return stored.record.workspace == workspace && stored.record.stream == stream && stored.record.version >= from;
    });
  }
  Result<void, ReadError> read_all(Position after, Position to, const Visitor& visit) const override {
    return visit_all(
        visit, [&](const Stored& stored) { return stored.record.position > after && stored.record.position <= to; });
  }
  Result<void, ReadError> read_workspace(WorkspaceNumber workspace, WorkspacePosition after,
                                         const Visitor& visit) const override {
    return visit_all(visit, [&](const Stored& stored) {
      return stored.record.workspace == workspace && stored.record.in_workspace > after;
    });
  }
  Result<void, ReadError> read_feed(WorkspaceNumber workspace, WorkspacePosition after, const FeedFilter& filter,
                                    const Visitor& visit) const override {
    return visit_all(visit, [&](const Stored& stored) {
      return stored.record.workspace == workspace && stored.record.in_workspace > after &&
             matches(filter, stored.record);
    });
  }

  Head head() const override {
    std::lock_guard lock(mutex_);
    return head_;
  }
  WorkspaceHead workspace_head(WorkspaceNumber workspace) const override {
    std::lock_guard lock(mutex_);
    const auto found = workspaces_.find(workspace);
    return found == workspaces_.end() ? WorkspaceHead{} : found->second;
  }
  Result<std::optional<Hash>, ReadError> hash_at(Position position) const override {
    std::lock_guard lock(mutex_);
    if (position > head_.position) return std::optional<Hash>{};
    if (position.value == 0) return std::optional<Hash>(Hash{});
    return std::optional<Hash>(records_[position.value - 1]->log_after);
  }
  Result<std::optional<Hash>, ReadError> workspace_hash_at(WorkspaceNumber workspace,
                                                           WorkspacePosition position) const override {
    std::lock_guard lock(mutex_);
    if (position.value == 0) return std::optional<Hash>(Hash{});
    for (const auto& stored : records_) {
      if (stored->record.workspace == workspace && stored->record.in_workspace == position) {
        return std::optional<Hash>(stored->workspace_after);
      }
    }
    return std::optional<Hash>{};
  }
  Result<std::optional<std::string>, ReadError> idempotency_row(std::string_view key) const override {
    std::lock_guard lock(mutex_);
    const auto found = idempotency_.find(std::string(key));
    if (found == idempotency_.end() || found->second.expires <= clock_()) return std::optional<std::string>{};
    return std::optional<std::string>(found->second.value);
  }
  std::optional<std::string> failure() const override { return std::nullopt; }

 private:
  using Streams = std::map<std::pair<std::uint32_t, Uuid>, Version>;

  class Bulk final : public BulkAppend {
   public:
    Bulk(MemoryLog& log, WorkspaceNumber workspace) : log_(log), workspace_(workspace) {}
    ~Bulk() override {
      std::lock_guard order(log_.appending_);
      log_.bulk_open_ = false;
    }
    Result<void, ReadError> add(const UserId& actor, Version version, const NewRecord& record) override {
      pending_.push_back({workspace_, true, actor, version, record});
      return {};
    }
    Result<void, ReadError> add_erased(const UserId& actor, Version version, const NewRecord& record) override {
      pending_.push_back({workspace_, true, actor, version, record, true});
      return {};
    }
    Result<void, ReadError> add_system(const UserId& actor, Version version, const NewRecord& record) override {
      pending_.push_back({kSystemWorkspace, false, actor, version, record});
      return {};
    }
    Result<Appended, ReadError> finish() override {
      std::lock_guard lock(log_.mutex_);
      for (const auto& entry : pending_) {
        log_.put(entry.workspace, entry.actor, entry.imported, entry.version, entry.record);
        log_.records_.back()->erased = entry.erased;
        log_.streams_[{entry.workspace.value, entry.record.stream}] = entry.version;
      }
      const auto& tip = log_.workspaces_[workspace_];
      return Appended{log_.head_.position, tip.position, tip.time};
    }

   private:
    struct Entry {
      WorkspaceNumber workspace;
      bool imported;
      UserId actor;
      Version version;
      NewRecord record;
      bool erased = false;
    };
    MemoryLog& log_;
    const WorkspaceNumber workspace_;
    std::vector<Entry> pending_;
  };

  Appending place(const Commit& commit, std::vector<Record>& records) {
    seen_ = std::max(seen_, clock_());
    std::map<Uuid, Version> next;
    for (const auto& stream : commit.expected) {
      const auto found = streams_.find({commit.workspace.value, stream.stream});
      if ((found == streams_.end() ? Version{} : found->second) != stream.expected) return AppendError::conflict;
      next[stream.stream] = stream.expected.next();
    }
    for (const auto& stream : commit.erase) {
      if (commit.records.empty()) break;
      for (auto& stored : records_) {
        if (stored->record.workspace != commit.workspace || stored->record.stream != stream) continue;
        stored->erased = true;
        stored->payload.clear();
      }
    }
    Timestamp time = workspaces_[commit.workspace].time;
    for (const auto& record : commit.records) {
      const auto found = next.find(record.stream);
      if (found == next.end()) throw std::logic_error("a record's stream is not among the commit's expected ones");
      const Version version = found->second;
      found->second = version.next();
      streams_[{commit.workspace.value, record.stream}] = version;
      records.push_back(put(commit.workspace, commit.actor, commit.imported, version, record));
      records.back().before = record.before.get();
      records.back().event = record.event.get();
      time = records.back().time;
    }
    if (commit.idempotency) idempotency_[commit.idempotency->key] = *commit.idempotency;
    return Appended{head_.position, workspaces_[commit.workspace].position, time};
  }

  Record put(WorkspaceNumber workspace, const UserId& actor, bool imported, Version version, const NewRecord& given) {
    WorkspaceHead& tip = workspaces_[workspace];
    auto stored = std::make_unique<Stored>();
    stored->payload = given.payload;
    stored->trace = given.trace.value_or("").substr(0, kMaxTraceBytes);
    stored->record = {head_.position.next(),
                      tip.position.next(),
                      workspace,
                      given.stream,
                      version,
                      given.type,
                      imported,
                      given.time ? *given.time : std::max(seen_, tip.time),
                      actor,
                      given.id.value_or(EventId{}),
                      {},
                      {}};
    Nonce nonce{};  // nothing here is secret
    std::string bytes;
    const auto after = encode_record(bytes, stored->view(), {head_.hash, tip.hash}, nonce);
    stored->log_after = after.log;
    stored->workspace_after = after.workspace;
    head_ = {stored->record.position, after.log, std::max(head_.time, stored->record.time)};
    tip = {stored->record.in_workspace, after.workspace, std::max(tip.time, stored->record.time)};
    records_.push_back(std::move(stored));
    return records_.back()->view();
  }

  // Records are copied out under the lock one by one, so that a visitor may call the log.
  template <class Wanted>
  Result<void, ReadError> visit_all(const Visitor& visit, const Wanted& wanted) const {
    for (std::size_t i = 0;; ++i) {
      Stored copy;
      {
        std::lock_guard lock(mutex_);
        while (i < records_.size() && !wanted(*records_[i])) ++i;
        if (i >= records_.size()) return {};
        copy = *records_[i];
      }
      if (!visit(copy.view())) return {};
    }
  }

  const Clock clock_;
  Timestamp seen_;  // the latest that the clock has said
  std::vector<Observer> observers_;
  std::mutex appending_;
  mutable std::mutex mutex_;
  bool bulk_open_ = false;  // under appending_
  std::vector<std::unique_ptr<Stored>> records_;
  Streams streams_;
  std::unordered_map<WorkspaceNumber, WorkspaceHead> workspaces_;
  std::map<std::string, IdempotencyRow> idempotency_;
  Head head_;
};

}  // namespace

std::unique_ptr<EventLog> make_memory_event_log(Clock clock) { return std::make_unique<MemoryLog>(std::move(clock)); }

}  // namespace taskledger::storage
