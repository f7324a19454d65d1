// The tasks of an image that changed, each once, with what the rows on disk depend on beside its own content, as it was
// before: in the order in which they changed first, and found by id.
// Threads: as a container. Memory: about 60 bytes a task.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "projections/image/nulls.h"
#include "projections/image/uuid_index.h"

namespace taskledger::projections {

struct Baseline {
  bool present = false;
  std::uint32_t assignee = kNoUser;
  std::int64_t due = kNoTime, completed = kNoTime;
};

class ChangedTasks {
 public:
  struct One {
    Uuid task;
    Baseline before;
  };

  // False: it is there already, and stays as it is. Nothing is added once one was taken.
  bool add(const Uuid& task, const Baseline& before) {
    if (find(task)) return false;
    all_.push_back({task, before});
    index_.insert(static_cast<std::uint32_t>(all_.size() - 1), uuid_at());
    return true;
  }
  // The one that changed first, which is not there any more then. Not when it is empty. Valid until the next change.
  const One& take_first() { return all_[taken_++]; }

  [[nodiscard]] bool contains(const Uuid& task) const { return find(task).has_value(); }
  [[nodiscard]] std::size_t size() const { return all_.size() - taken_; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::span<const One> in_turn() const { return std::span(all_).subspan(taken_); }
  [[nodiscard]] std::size_t bytes() const { return all_.capacity() * sizeof(One) + index_.bytes(); }

 private:
  struct UuidAt {
    const std::vector<One>* all;
    const Uuid& operator()(std::uint32_t number) const { return (*all)[number].task; }
  };
  [[nodiscard]] UuidAt uuid_at() const { return {&all_}; }
  [[nodiscard]] std::optional<std::uint32_t> find(const Uuid& task) const {
    const auto found = index_.find(task, uuid_at());
    return found && *found >= taken_ ? found : std::nullopt;
  }

  std::vector<One> all_;
  std::size_t taken_ = 0;  // of the first of them
  UuidIndex index_;
};

}  // namespace taskledger::projections
