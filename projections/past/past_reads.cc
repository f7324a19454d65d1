#include "projections/past/past_reads.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <list>
#include <map>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "projections/list/list_query.h"
#include "projections/past/past_image.h"
#include "projections/stats/stats_query.h"
#include "storage/append_and_wait.h"

namespace taskledger::projections {

namespace {

constexpr std::chrono::milliseconds kLongestWait{50};  // for the clock to go on, where it was set back
constexpr std::size_t kInstantBytes = 256;             // of an instant beside its image: nodes of the map and the list

// Waits until the commits queued before now are written. False: the queue is full, so that a commit behind them finds
// no place yet. (A log that writes no more has nothing to wait for.)
bool passed_by_empty_commit(storage::EventLog& log, WorkspaceNumber workspace) {
  storage::Commit nothing;
  nothing.workspace = workspace;
  const auto done = storage::append_and_wait(log, std::move(nothing));
  return done.has_value() || done.error() != storage::AppendError::queue_full;
}

bool has_no_task(const Image& image) {
  return std::all_of(image.live.data(), image.live.data() + image.live.size(), [](auto word) { return word == 0; });
}

}  // namespace

struct PastReads::Kept {
  std::shared_ptr<const Image> image;   // absent while it is being built
  std::shared_future<Found> built;      // given until then
  std::list<Instant>::iterator recent;  // from then on
  std::size_t bytes = 0;
};

struct PastReads::Cache {
  std::mutex mutex;
  std::map<Instant, Kept> kept;
  std::list<Instant> recent;  // of the images that are there, the one used last first
  std::unordered_map<WorkspaceNumber, std::uint64_t> rewritten;  // erasures and imports seen
  std::size_t bytes = 0;
  const std::shared_ptr<const Image> empty = std::make_shared<const Image>();  // of any instant without a task
  std::atomic<bool> stopped{false};

  std::uint64_t rewrites(WorkspaceNumber workspace) {
    const std::lock_guard lock(mutex);
    return rewritten[workspace];
  }

  void observe(std::span<const storage::Record> records) {
    WorkspaceNumber last = kSystemWorkspace;
    for (const storage::Record& record : records) {
      if (record.workspace == last || record.workspace == kSystemWorkspace) continue;
      if (!record.imported && static_cast<EventType>(record.type) != EventType::task_erased) continue;
      last = record.workspace;
      forget(last);
    }
  }

  // Images under construction are left to their builders, who look at `rewritten`.
  void forget(WorkspaceNumber workspace) {
    std::vector<std::shared_ptr<const Image>> dropped;  // freed without the lock
    const std::lock_guard lock(mutex);
    ++rewritten[workspace];
    for (auto at = kept.lower_bound({workspace, {std::numeric_limits<std::int64_t>::min()}});
         at != kept.end() && at->first.first == workspace;)
      drop(at++, dropped);
  }

  // False, and nothing is kept, when the workspace was rewritten since `before`.
  bool keep(const Instant& instant, const std::shared_ptr<const Image>& image, std::uint64_t before,
            std::size_t limit) {
    std::vector<std::shared_ptr<const Image>> dropped;  // freed without the lock
    const std::lock_guard lock(mutex);
    if (rewritten[instant.first] != before) return false;
    if (const auto old = kept.find(instant); old != kept.end()) drop(old, dropped);
    Kept& slot = kept[instant];
    slot.image = image;
    slot.recent = recent.insert(recent.begin(), instant);
    slot.bytes = kInstantBytes + (image == empty ? 0 : image->bytes());
    bytes += slot.bytes;
    // The least recently used go until the rest fits.
    while (bytes > limit && recent.size() > 1) drop(kept.find(recent.back()), dropped);
    return true;
  }

  // The instant's image could not be built: the next one who asks tries again.
  void give_up(const Instant& instant) {
    const std::lock_guard lock(mutex);
    const auto slot = kept.find(instant);
    if (slot != kept.end() && slot->second.image == nullptr) kept.erase(slot);
  }

 private:
  // Under the lock.
  void drop(std::map<Instant, Kept>::iterator slot, std::vector<std::shared_ptr<const Image>>& dropped) {
    bytes -= slot->second.bytes;
    if (slot->second.image != nullptr) recent.erase(slot->second.recent);
    dropped.push_back(std::move(slot->second.image));
    kept.erase(slot);
  }
};

PastReads::PastReads(storage::EventLog& log, ReadModels& live, Clock clock, PastOptions options)
    : log_(log), live_(live), clock_(std::move(clock)), options_(options), cache_(std::make_shared<Cache>()) {
  log_.observe([cache = cache_](std::span<const storage::Record> records) { cache->observe(records); });
}

PastReads::~PastReads() = default;

void PastReads::stop() { cache_->stopped = true; }

std::size_t PastReads::bytes() const {
  const std::lock_guard lock(cache_->mutex);
  return cache_->bytes;
}

void PastReads::settle(WorkspaceNumber workspace, Timestamp at) {
  if (settled(workspace, at)) return;
  const auto patience = std::chrono::steady_clock::now() + kLongestWait;
  while (clock_() <= at && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  // From here on commits are stamped later; those stamped before are written by the time one behind them is answered.
  while (!passed_by_empty_commit(log_, workspace) && !cache_->stopped)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// Builds until no erasure came between, and keeps the image.
PastReads::Found PastReads::build(WorkspaceNumber workspace, Timestamp at) {
  const std::lock_guard one_at_a_time(building_);
  settle(workspace, at);
  for (;;) {
    const std::uint64_t before = cache_->rewrites(workspace);
    auto built = past_image(live_, {log_, workspace, &cache_->stopped}, at, options_.way);
    if (!built) return built.error();
    if (*built == nullptr) return storage::ReadError{"stopping"};
    ++built_;
    std::shared_ptr<const Image> image = std::move(*built);
    if (has_no_task(*image)) image = cache_->empty;
    if (cache_->keep({workspace, at}, image, before, options_.cache_bytes)) return image;
  }
}

PastReads::Found PastReads::image_at(WorkspaceNumber workspace, Timestamp at) {
  const Instant key{workspace, at};
  std::promise<Found> promise;
  {
    std::unique_lock lock(cache_->mutex);
    const auto [slot, fresh] = cache_->kept.try_emplace(key);
    if (Kept& known = slot->second; known.image != nullptr) {
      cache_->recent.splice(cache_->recent.begin(), cache_->recent, known.recent);
      return known.image;
    }
    if (!fresh) {
      const auto built = slot->second.built;
      lock.unlock();
      return built.get();
    }
    slot->second.built = promise.get_future().share();
  }
  try {
    Found found = build(workspace, at);
    if (!found) cache_->give_up(key);
    promise.set_value(found);
    return found;
  } catch (...) {
    cache_->give_up(key);
    promise.set_exception(std::current_exception());
    throw;
  }
}

template <class Answer, class FromLive, class FromImage>
Result<Answer, storage::ReadError> PastReads::answer(WorkspaceNumber workspace, Timestamp at, const FromLive& from_live,
                                                     const FromImage& from_image) {
  if (log_.workspace_head(workspace).time <= at) {
    settle(workspace, at);
    Result<Answer, storage::ReadError> answered = from_live();
    if (!answered) return answered;
    const auto head = log_.workspace_head(workspace);
    if (head.time <= at && head.position == answered->position) return answered;
  }
  const auto image = image_at(workspace, at);
  if (!image) return image.error();
  Answer answered = from_image(**image);
  // Whatever was appended since has a later time; of that, as far as live reads go, so that they do not seem to go
  // back.
  answered.position = live_.position(workspace);
  return answered;
}

Result<ListPage, storage::ReadError> PastReads::list(WorkspaceNumber workspace, const ListQuery& query) {
  return answer<ListPage>(
      workspace, query.now, [&] { return live_.list(workspace, query); },
      [&](const Image& image) { return answer_list_from_columns(image, query); });
}

Result<StatsAnswer, storage::ReadError> PastReads::stats(WorkspaceNumber workspace, const StatsQuery& query) {
  return answer<StatsAnswer>(
      workspace, query.now, [&] { return live_.stats(workspace, query); },
      [&](const Image& image) {
        return StatsAnswer{answer_stats_from_columns(image, query), {}};
      });
}

}  // namespace taskledger::projections
