#include "projections/past/past_fold.h"

#include <fmt/core.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/decider.h"

namespace taskledger::projections {

namespace {

constexpr std::size_t kBatchEvents = 256;  // handed over at once
constexpr std::size_t kAhead = 8;          // events, that memory is asked for before they are applied
constexpr std::size_t kBatches = 16;       // between the two threads
constexpr std::uint64_t kAlone = 4096;     // a workspace of so few events is not worth a thread

struct Decoded {
  Uuid stream;
  Version version;
  Timestamp time;
  UserId actor;
  TaskEvent event;
};

// Applies events, in the log's order, to an image.
class Applier {
 public:
  explicit Applier(Image& image) : image_(image) {}

  void prefetch(const Decoded& one) const {
    static const std::vector<Link> kNone;
    const auto* created = std::get_if<TaskCreated>(&one.event);
    image_.prefetch(one.stream, created != nullptr ? created->fields.links : kNone);
  }

  void apply(Decoded& one) {
    const auto row = image_.find(one.stream);
    if (auto* created = std::get_if<TaskCreated>(&one.event)) {
      if (row) return;
      // As evolve() does, but the fields are swapped: most events are creations, and what a thread allocated is best
      // freed there too.
      std::swap(task_.fields, created->fields);
      task_.id = {one.stream};
      task_.lifecycle = Lifecycle::live;
      task_.version = one.version;
      task_.completed_at.reset();
      task_.completed_by.reset();
      task_.created_by = one.actor;
      task_.created_at = task_.updated_at = one.time;
      image_.store(task_, row);
      return;
    }
    if (!row) return;  // its creation was erased
    if (std::holds_alternative<TaskDeleted>(one.event) || std::holds_alternative<TaskErased>(one.event)) {
      image_.live[*row / 64] &= ~(std::uint64_t{1} << (*row % 64));
      return;
    }
    task_ = image_.task(*row);
    if (!image_.is_live(*row)) task_.lifecycle = Lifecycle::deleted;
    evolve(task_, {one.stream}, one.version, one.time, one.actor, one.event);
    image_.store(task_, row);
  }

 private:
  Image& image_;
  Task task_;
};

// Full batches one way, empty ones back.
class Handover {
 public:
  using Batch = std::vector<Decoded>;

  Handover() : empty_(kBatches) {}

  Batch take_empty() {
    Batch batch = take(empty_, true);
    batch.clear();
    return batch;
  }
  Batch take_full() { return take(full_, false); }  // an empty one: no more will come
  void give_full(Batch batch) { give(full_, std::move(batch)); }
  void give_back(Batch batch) { give(empty_, std::move(batch)); }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  Batch take(std::vector<Batch>& from, bool ever) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !from.empty() || (closed_ && !ever); });
    if (from.empty()) return {};
    Batch batch = std::move(from.front());
    from.erase(from.begin());
    return batch;
  }
  void give(std::vector<Batch>& to, Batch batch) {
    const std::lock_guard lock(mutex_);
    to.push_back(std::move(batch));
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Batch> empty_, full_;
  bool closed_ = false;
};

// Decodes what counts of the workspace's records and hands it to take(Decoded). Blocks of the log that lie after the
// instant as a whole are not read.
template <class Take>
Result<void, storage::ReadError> decode(const storage::EventLog& log, WorkspaceNumber workspace, Timestamp at,
                                        const std::atomic<bool>* stopped, const Take& take) {
  Result<void, storage::ReadError> decoded{};
  const auto visit = [&](const storage::Record& record) {
    if (stopped != nullptr && stopped->load(std::memory_order_relaxed)) return false;
    const auto type = static_cast<EventType>(record.type);
    if (!record.payload && type != EventType::task_deleted && type != EventType::task_erased) return true;
    auto event = parse_event_data(type, record.payload.value_or("{}"));
    if (!event) {
      decoded = storage::ReadError{fmt::format("position {}: event of type {} cannot be read: {}",
                                               record.position.value, record.type, event.error().message)};
      return false;
    }
    take(Decoded{record.stream, record.version, record.time, record.actor, std::move(*event)});
    return true;
  };
  storage::FeedFilter until;
  until.until = at;
  if (auto read = log.read_feed(workspace, {0}, until, visit); !read) return read;
  return decoded;
}

}  // namespace

Result<std::unique_ptr<Image>, storage::ReadError> fold_past(const storage::EventLog& log, WorkspaceNumber workspace,
                                                             Timestamp at, const std::atomic<bool>* stopped) {
  auto image = std::make_unique<Image>();
  Applier applier(*image);
  Result<void, storage::ReadError> decoded{};
  if (log.workspace_head(workspace).position.value <= kAlone) {
    decoded = decode(log, workspace, at, stopped, [&](Decoded&& one) { applier.apply(one); });
  } else {
    Handover handover;
    std::jthread applying([&] {
      for (auto batch = handover.take_full(); !batch.empty(); batch = handover.take_full()) {
        for (std::size_t i = 0; i < batch.size(); ++i) {
          if (i + kAhead < batch.size()) applier.prefetch(batch[i + kAhead]);
          applier.apply(batch[i]);
        }
        handover.give_back(std::move(batch));
      }
    });
    struct CloseInAnyCase {
      Handover& handover;
      ~CloseInAnyCase() { handover.close(); }
    } const close{handover};
    auto batch = handover.take_empty();
    decoded = decode(log, workspace, at, stopped, [&](Decoded&& one) {
      batch.push_back(std::move(one));
      if (batch.size() < kBatchEvents) return;
      handover.give_full(std::move(batch));
      batch = handover.take_empty();
    });
    if (!batch.empty()) handover.give_full(std::move(batch));
    handover.close();
    applying.join();
  }
  if (!decoded) return decoded.error();
  if (stopped != nullptr && *stopped) return std::unique_ptr<Image>();
  return image;
}

}  // namespace taskledger::projections
