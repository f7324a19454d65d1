// The states of all tasks that an import has touched so far, each packed into one small allocation, so that millions
// of them fit into memory. Not for use by several threads.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <memory>
#include <optional>

#include "core/task.h"

namespace taskledger::app {

class TaskStates {
 public:
  // The state kept of `id`; nullopt when none was.
  [[nodiscard]] std::optional<Task> find(const TaskId& id) const;
  void keep(const Task& task);
  [[nodiscard]] std::size_t size() const { return states_.size(); }

 private:
  // Packed := Fixed, title, links (kLinkBytes each)
  using Packed = std::unique_ptr<char[]>;
  boost::unordered_flat_map<TaskId, Packed, std::hash<TaskId>> states_;
};

}  // namespace taskledger::app
