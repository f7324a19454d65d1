// Batches of work from one thread to another and back, so that their memory is used again.
// Threads: one gives full batches, another takes them; close() by the former.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace taskledger::projections {

template <class Batch>
class Handover {
 public:
  explicit Handover(std::size_t batches) : empty_(batches) {}

  Batch take_empty() { return *take(empty_, true); }
  std::optional<Batch> take_full() { return take(full_, false); }  // nullopt: no more will come
  void give_full(Batch batch) { give(full_, std::move(batch)); }
  void give_back(Batch batch) { give(empty_, std::move(batch)); }
  [[nodiscard]] std::size_t waiting() {  // of the full ones
    const std::lock_guard lock(mutex_);
    return full_.size();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::optional<Batch> take(std::deque<Batch>& from, bool ever) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !from.empty() || (closed_ && !ever); });
    if (from.empty()) return std::nullopt;
    Batch batch = std::move(from.front());
    from.pop_front();
    return batch;
  }
  void give(std::deque<Batch>& to, Batch batch) {
    const std::lock_guard lock(mutex_);
    to.push_back(std::move(batch));
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> empty_, full_;
  bool closed_ = false;
};

struct Nothing {
  template <class Batch>
  void operator()(Batch&) const {}
};

// Calls produce(give), where give(item) adds to a batch of `items` and hands over the full ones, on this thread, and
// consume(batch) on another; returns what produce() does, once all is consumed. When the other one does not keep up,
// help(batch) comes before a batch is handed over. `Batch` has size(), add(item), clear().
template <class Batch, class Produce, class Consume, class Help = Nothing>
auto in_two_threads(std::size_t batches, std::size_t items, const Produce& produce, const Consume& consume,
                    const Help& help = {}) {
  Handover<Batch> handover(batches);
  std::jthread consuming([&] {
    while (auto batch = handover.take_full()) {
      consume(*batch);
      handover.give_back(*std::move(batch));
    }
  });
  struct CloseInAnyCase {  // before the thread is joined
    Handover<Batch>& handover;
    ~CloseInAnyCase() { handover.close(); }
  } const close{handover};
  Batch batch = handover.take_empty();
  batch.clear();
  auto produced = produce([&](auto&& item) {
    batch.add(std::forward<decltype(item)>(item));
    if (batch.size() < items) return;
    if (handover.waiting() > 1) help(batch);
    handover.give_full(std::move(batch));
    batch = handover.take_empty();
    batch.clear();
  });
  if (batch.size() > 0) handover.give_full(std::move(batch));
  return produced;
}

}  // namespace taskledger::projections
