// Builds the sort orders that lists of large workspaces have asked for, one after the other, on a thread of its own
// (started with the first). Until an order serves, lists find their page among all matches.
// Threads: ask() any; the workspaces outlive this.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "core/ids.h"
#include "projections/workspaces.h"

namespace taskledger::projections {

class OrderBuilder {
 public:
  explicit OrderBuilder(const Workspaces& workspaces) : workspaces_(workspaces) {}
  ~OrderBuilder() { stop(); }
  // Looks at which orders the workspace's image wants; cheap when it was asked for already.
  void ask(WorkspaceNumber workspace);
  void stop();

 private:
  void run();
  void build(WorkspaceImage& workspace, Field field);
  [[nodiscard]] bool stopping() const;

  const Workspaces& workspaces_;
  mutable std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<WorkspaceNumber> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace taskledger::projections
