#include "projections/past/past_refold.h"

#include <string>
#include <utility>
#include <vector>

#include "projections/applier.h"
#include "projections/past/handover.h"
#include "projections/past/past_applier.h"

namespace taskledger::projections {

namespace {

constexpr std::size_t kBatchRecords = 512;  // handed over at once
constexpr std::size_t kBatches = 8;         // between the two threads
constexpr std::size_t kAhead = 16;          // records, that memory is asked for before they are looked at

// Records as they were read: most are of other tasks. Then, of those that count, the events.
struct Batch {
  struct One {
    storage::Record record;  // without its payload
    std::size_t at, size;    // of the payload; kErased: none
  };
  struct Event {
    PastApplier::Event event;
    Row row;
  };
  static constexpr std::size_t kErased = SIZE_MAX;
  std::vector<One> records;
  std::string payloads;
  std::vector<Event> events;
  bool parsed = false;
  Result<void, storage::ReadError> failed{};

  [[nodiscard]] std::size_t size() const { return records.size(); }
  void clear() { records.clear(), payloads.clear(), events.clear(), parsed = false; }
  void add(const storage::Record& record) {
    records.push_back({record, payloads.size(), record.payload ? record.payload->size() : kErased});
    if (record.payload) payloads += *record.payload;
  }
  [[nodiscard]] std::optional<std::string_view> payload(const One& one) const {
    if (one.size == kErased) return std::nullopt;
    return std::string_view(payloads).substr(one.at, one.size);
  }
};

class Refold {
 public:
  Refold(Image& image, const Bits& rows) : image_(image), rows_(rows), applier_(image) {}

  // Reads of the image what apply() does not change: either may do this.
  void parse(Batch& batch) const {
    if (std::exchange(batch.parsed, true)) return;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (i + kAhead < batch.size()) image_.prefetch_slot(batch.records[i + kAhead].record.stream);
      if (i + kAhead / 2 < batch.size()) image_.prefetch_id(batch.records[i + kAhead / 2].record.stream);
      const storage::Record& record = batch.records[i].record;
      const auto row = image_.find(record.stream);
      if (!row || (rows_[*row / 64] >> (*row % 64) & 1) == 0) continue;
      auto event = event_of(record.position, record.type, batch.payload(batch.records[i]));
      if (!event) {
        batch.failed = event.error();
        return;
      }
      if (!*event) continue;
      batch.events.push_back({{record.stream, record.version, record.time, record.actor, **std::move(event)}, *row});
    }
  }
  // Stops at the first failure, which it keeps.
  void apply(Batch& batch) {
    if (!outcome_) return;
    parse(batch);
    for (Batch::Event& one : batch.events) applier_.apply(one.event, one.row);
    outcome_ = batch.failed;
  }
  [[nodiscard]] const Result<void, storage::ReadError>& outcome() const { return outcome_; }

 private:
  Image& image_;
  const Bits& rows_;
  PastApplier applier_;
  Result<void, storage::ReadError> outcome_{};
};

}  // namespace

Result<void, storage::ReadError> refold_by_scan(Image& image, const Bits& rows, const PastLog& log,
                                                std::optional<Timestamp> since, Timestamp at) {
  Refold refold(image, rows);
  storage::FeedFilter time;
  time.since = since;
  time.until = at;
  const auto read = [&](const auto& give) {
    return log.log.read_feed(log.workspace, {0}, time, [&](const storage::Record& record) {
      give(record);
      return !log.stopping();
    });
  };
  auto walked = in_two_threads<Batch>(
      kBatches, kBatchRecords, read, [&](Batch& batch) { refold.apply(batch); },
      [&](Batch& batch) { refold.parse(batch); });
  if (!walked) return walked;
  return refold.outcome();
}

Result<void, storage::ReadError> refold_by_stream(Image& image, Row row, const PastLog& log, Timestamp at) {
  Task task;
  Result<void, storage::ReadError> folded{};
  const auto visit = [&](const storage::Record& record) {
    if (record.time > at) return false;
    folded = fold_record(task, record);
    return folded.has_value();
  };
  if (auto read = log.log.read_stream(log.workspace, image.id[row], {1}, visit); !read) return read;
  if (folded && task.lifecycle == Lifecycle::live) image.store(task, row);
  return folded;
}

}  // namespace taskledger::projections
