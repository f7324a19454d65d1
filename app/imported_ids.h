// The ids that imported events brought along, of all tasks, so that a second use within a task is found. Ids that are
// derived from an event's place are not kept here. 16 bytes an id (a hash of task and id that no honest file collides),
// 24 a task that has any. Not for use by several threads.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>

#include "core/ids.h"

namespace taskledger::app {

class ImportedIds {
 public:
  void keep(const TaskId& task, const EventId& id) {
    if (ids_.insert(key(task, id)).second) ++of_task_[task];
  }
  // How many were kept of the task.
  [[nodiscard]] std::uint32_t of(const TaskId& task) const {
    const auto found = of_task_.find(task);
    return found == of_task_.end() ? 0 : found->second;
  }
  [[nodiscard]] bool has(const TaskId& task, const EventId& id) const {
    return !ids_.empty() && ids_.contains(key(task, id));
  }

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return key.first; }
  };

  static std::uint64_t mix(std::uint64_t value) {
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93ull;
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93ull;
    return value ^ value >> 32;
  }
  static Key key(const TaskId& task, const EventId& id) {
    std::uint64_t words[4];
    std::memcpy(words, task.value.bytes.data(), 16);
    std::memcpy(words + 2, id.value.bytes.data(), 16);
    Key key{0x9e3779b97f4a7c15ull, 0xa0761d6478bd642full};
    for (const std::uint64_t word : words) {
      key.first = mix(key.first ^ word) + word;
      key.second = mix(key.second + mix(word + 0xe7037ed1a0b428dbull)) ^ key.first;
    }
    return key;
  }

  boost::unordered_flat_set<Key, KeyHash> ids_;
  boost::unordered_flat_map<TaskId, std::uint32_t, std::hash<TaskId>> of_task_;
};

}  // namespace taskledger::app
