#include "projections/order_builder.h"

#include <algorithm>
#include <optional>
#include <shared_mutex>

#include "core/named_thread.h"
#include "projections/image/order_build.h"

namespace taskledger::projections {

void OrderBuilder::ask(WorkspaceNumber workspace) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || std::find(queue_.begin(), queue_.end(), workspace) != queue_.end()) return;
  queue_.push_back(workspace);
  if (!thread_.joinable()) thread_ = named_thread("order-builder", [this] { run(); });
  asked_.notify_one();
}

void OrderBuilder::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    asked_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

bool OrderBuilder::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void OrderBuilder::run() {
  for (;;) {
    WorkspaceNumber number;
    {
      std::unique_lock lock(mutex_);
      asked_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      number = queue_.front();
    }
    WorkspaceImage* workspace = workspaces_.find(number);
    std::optional<Field> field;
    if (workspace != nullptr) {
      const std::shared_lock lock(workspace->lock);
      if (workspace->image != nullptr) field = workspace->image->wanted_order();
    }
    if (field) {
      build(*workspace, *field);
      continue;
    }
    const std::lock_guard lock(mutex_);
    queue_.pop_front();
  }
}

// Given up when the image is evicted meanwhile, or the server stops.
void OrderBuilder::build(WorkspaceImage& workspace, Field field) {
  OrderBuild order(field);
  std::uint64_t serial = 0;
  for (bool more = true; more;) {
    if (stopping()) return;
    const std::shared_lock lock(workspace.lock);
    if (workspace.image == nullptr || (serial != 0 && workspace.image->serial() != serial)) return;
    if (serial == 0) order.begin(*workspace.image);
    serial = workspace.image->serial();
    more = order.copy(*workspace.image);
  }
  order.sort();
  const std::unique_lock lock(workspace.lock);
  if (workspace.image == nullptr || workspace.image->serial() != serial) return;
  order.publish(*workspace.image);
  workspace.bytes += workspace.image->bytes_of_order(field);
}

}  // namespace taskledger::projections
