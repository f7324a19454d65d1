#include "projections/past/past_reads.h"

#include <chrono>
#include <future>
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

// Waits until the commits queued before now are written. False: the queue is full, so that a commit behind them finds
// no place yet. (A log that writes no more has nothing to wait for.)
bool passed_by_empty_commit(storage::EventLog& log, WorkspaceNumber workspace) {
  storage::Commit nothing;
  nothing.workspace = workspace;
  const auto done = storage::append_and_wait(log, std::move(nothing));
  return done.has_value() || done.error() != storage::AppendError::queue_full;
}

}  // namespace

struct PastReads::Kept {
  std::shared_ptr<const Image> image;  // absent while it is being built
  std::shared_future<Found> built;
  std::uint64_t used = 0;
  std::size_t bytes = 0;
};

struct PastReads::Cache {
  using Key = std::pair<WorkspaceNumber, Timestamp>;

  std::mutex mutex;
  std::map<Key, Kept> kept;
  std::unordered_map<WorkspaceNumber, std::uint64_t> rewritten;  // erasures and imports seen
  std::uint64_t uses = 0;
  std::size_t bytes = 0;
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
         at != kept.end() && at->first.first == workspace;) {
      bytes -= at->second.bytes;
      dropped.push_back(std::move(at->second.image));
      at = kept.erase(at);
    }
  }

  // False, and nothing is kept, when the workspace was rewritten since `before`.
  bool keep(const Key& key, const std::shared_ptr<const Image>& image, std::uint64_t before, std::size_t limit) {
    std::vector<std::shared_ptr<const Image>> dropped;  // freed without the lock
    const std::lock_guard lock(mutex);
    if (rewritten[key.first] != before) return false;
    Kept& slot = kept[key];
    bytes -= slot.bytes;
    dropped.push_back(std::exchange(slot.image, image));
    slot.used = ++uses;
    slot.bytes = image->bytes();
    bytes += slot.bytes;
    evict(limit, key, dropped);
    return true;
  }

  // The key's image could not be built: the next one who asks tries again.
  void give_up(const Key& key) {
    const std::lock_guard lock(mutex);
    const auto slot = kept.find(key);
    if (slot != kept.end() && slot->second.image == nullptr) kept.erase(slot);
  }

  // The least recently used go until the rest fits; `spared` stays. Under the lock.
  void evict(std::size_t limit, const Key& spared, std::vector<std::shared_ptr<const Image>>& dropped) {
    while (bytes > limit) {
      auto oldest = kept.end();
      for (auto at = kept.begin(); at != kept.end(); ++at) {
        if (at->second.image == nullptr || at->first == spared) continue;
        if (oldest == kept.end() || at->second.used < oldest->second.used) oldest = at;
      }
      if (oldest == kept.end()) return;
      bytes -= oldest->second.bytes;
      dropped.push_back(std::move(oldest->second.image));
      kept.erase(oldest);
    }
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
    if (cache_->keep({workspace, at}, image, before, options_.cache_bytes)) return image;
  }
}

PastReads::Found PastReads::image_at(WorkspaceNumber workspace, Timestamp at) {
  const Cache::Key key{workspace, at};
  std::promise<Found> promise;
  {
    std::unique_lock lock(cache_->mutex);
    const auto [slot, fresh] = cache_->kept.try_emplace(key);
    slot->second.used = ++cache_->uses;
    if (slot->second.image != nullptr) return slot->second.image;
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
  // Whatever was appended since has a later time.
  answered.position = log_.workspace_head(workspace).position;
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
