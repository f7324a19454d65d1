// A ReactorStore in memory, for tests, which can be made to fail.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "storage/reactor_store.h"

namespace taskledger::storage {

class MemoryReactorStore : public ReactorStore {
 public:
  enum class Access { read, write };
  // Asked before each access, on its thread and without a lock; where it says true the access is an error and changes
  // nothing. Empty: all is well again.
  void fail_when(std::function<bool(Access)> fails) {
    const std::lock_guard lock(mutex_);
    fails_ = std::move(fails);
  }

  Result<void, ReadError> write(const std::vector<RowChange>& changes) override {
    if (fails(Access::write)) return ReadError{"the store was told to fail"};
    const std::lock_guard lock(mutex_);
    for (const RowChange& change : changes) {
      if (change.value) {
        rows_[change.key] = *change.value;
      } else {
        rows_.erase(change.key);
      }
    }
    return {};
  }

  Result<void, ReadError> remove_prefix(std::string_view prefix) override {
    if (fails(Access::write)) return ReadError{"the store was told to fail"};
    const std::lock_guard lock(mutex_);
    rows_.erase(rows_.lower_bound(prefix), rows_.lower_bound(prefix_end(prefix)));
    return {};
  }

  Result<std::optional<std::string>, ReadError> get(std::string_view key) const override {
    if (fails(Access::read)) return ReadError{"the store was told to fail"};
    const std::lock_guard lock(mutex_);
    const auto row = rows_.find(key);
    if (row == rows_.end()) return std::optional<std::string>();
    return std::optional<std::string>(row->second);
  }

  Result<void, ReadError> scan(std::string_view from, std::string_view to,
                               const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    if (fails(Access::read)) return ReadError{"the store was told to fail"};
    const std::lock_guard lock(mutex_);
    for (auto row = rows_.lower_bound(from); row != rows_.end() && row->first < to; ++row) {
      if (!visit(row->first, row->second)) break;
    }
    return {};
  }

  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return rows_.size();
  }

 private:
  [[nodiscard]] bool fails(Access access) const {
    std::function<bool(Access)> asked;
    {
      const std::lock_guard lock(mutex_);
      asked = fails_;
    }
    return asked && asked(access);
  }

  mutable std::mutex mutex_;
  std::function<bool(Access)> fails_;
  std::map<std::string, std::string, std::less<>> rows_;
};

}  // namespace taskledger::storage
