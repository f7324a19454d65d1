// The heads of what is durable, as readers see them. Threads: any; one publisher.
#pragma once

#include <mutex>
#include <shared_mutex>
#include <span>

#include "storage/log_tables.h"

namespace taskledger::storage {

class PublishedHeads {
 public:
  explicit PublishedHeads(HeadRows rows) : rows_(std::move(rows)) {}
  [[nodiscard]] Head head() const {
    std::shared_lock lock(mutex_);
    return rows_.head;
  }
  [[nodiscard]] WorkspaceTip tip(WorkspaceNumber workspace) const {
    std::shared_lock lock(mutex_);
    const auto found = rows_.workspaces.find(workspace);
    return found == rows_.workspaces.end() ? WorkspaceTip{} : found->second;
  }
  [[nodiscard]] HeadRows rows() const {
    std::shared_lock lock(mutex_);
    return rows_;
  }
  // Takes the global head and those of `touched` from `from`.
  void publish(const HeadRows& from, std::span<const WorkspaceNumber> touched) {
    std::unique_lock lock(mutex_);
    rows_.head = from.head;
    for (auto workspace : touched) rows_.workspaces[workspace] = from.workspaces.at(workspace);
  }
  void replace(HeadRows rows) {
    std::unique_lock lock(mutex_);
    rows_ = std::move(rows);
  }

 private:
  mutable std::shared_mutex mutex_;
  HeadRows rows_;
};

}  // namespace taskledger::storage
