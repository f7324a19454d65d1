// Records on their way from the log's appender to the projector: copies, group by group, bounded in bytes.
// Threads: one that pushes, one that pops.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <span>
#include <vector>

#include "storage/event_log.h"

namespace taskledger::projections {

// A group of records with what they point to. Not copied or moved once filled.
struct RecordGroup {
  std::vector<storage::Record> records;
  std::string text;
  std::list<Task> tasks;
};

class RecordQueue {
 public:
  explicit RecordQueue(std::size_t bytes) : limit_(bytes) {}

  // Waits while the queue is full.
  void push(std::span<const storage::Record> records) {
    auto group = std::make_unique<RecordGroup>();
    std::size_t size = 0;
    for (const storage::Record& record : records) size += record.payload.value_or("").size();
    group->text.reserve(size);
    size += records.size() * sizeof(storage::Record);
    for (const storage::Record& record : records) {
      storage::Record& copy = group->records.emplace_back(record);
      copy.trace = {};
      copy.event = nullptr;  // to read its text again costs no more, and nobody waits for who does
      if (record.before != nullptr) {
        copy.before = &group->tasks.emplace_back(*record.before);
        size += size_of(*record.before);
      }
      if (!record.payload) continue;
      const std::size_t at = group->text.size();
      group->text += *record.payload;
      copy.payload = std::string_view(group->text).substr(at);
    }
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return bytes_ < limit_ || closed_; });
    bytes_ += size;
    groups_.push_back({std::move(group), size});
    filled_.notify_one();
  }
  // nullptr when nothing came in time, or the queue was closed and is empty.
  std::unique_ptr<RecordGroup> pop(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, patience, [&] { return !groups_.empty() || closed_; });
    if (groups_.empty()) return nullptr;
    auto [group, size] = std::move(groups_.front());
    groups_.pop_front();
    bytes_ -= size;
    room_.notify_one();
    return std::move(group);
  }
  [[nodiscard]] bool empty() const {
    const std::lock_guard lock(mutex_);
    return groups_.empty();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    filled_.notify_all();
    room_.notify_all();
  }

 private:
  struct Entry {
    std::unique_ptr<RecordGroup> group;
    std::size_t size;
  };
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable filled_, room_;
  std::deque<Entry> groups_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace taskledger::projections
