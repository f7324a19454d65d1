// A ViewStore in memory, for tests: ordered maps. A crash takes what was written since the last flush, as with tables
// that have no WAL: flushed() before it, restore() once nobody uses the store any more.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "storage/view_store.h"

namespace taskledger::projections {

class MemoryViewStore final : public storage::ViewStore {
 public:
  using Error = storage::ReadError;

  std::uint64_t generation(std::string_view projection) const override {
    const std::lock_guard lock(mutex_);
    const auto found = now_.serving.find(std::string(projection));
    return found == now_.serving.end() ? 1 : found->second;
  }
  Result<std::optional<storage::Checkpoint>, Error> checkpoint(std::string_view projection,
                                                               std::uint64_t generation) const override {
    const std::lock_guard lock(mutex_);
    const auto found = now_.checkpoints.find({std::string(projection), generation});
    if (found == now_.checkpoints.end()) return std::optional<storage::Checkpoint>();
    return std::optional(found->second);
  }
  Result<void, Error> write(const std::vector<TableWrite>& tables, const storage::Checkpoint& checkpoint) override {
    const std::lock_guard lock(mutex_);
    if (fail_writes) return Error{"disk full"};
    for (const TableWrite& table : tables) {
      auto& rows = now_.tables[{std::string(table.projection), table.generation}];
      for (std::size_t i = 0; i < table.rows.size(); ++i) {
        const auto [key, value] = table.rows[i];
        if (value) {
          rows[std::string(key)] = *value;
        } else {
          rows.erase(std::string(key));
        }
      }
      now_.checkpoints[{std::string(table.projection), table.generation}] = checkpoint;
    }
    return {};
  }
  Result<void, Error> scan(std::string_view projection, std::uint64_t generation, std::string_view from,
                           std::string_view to,
                           const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    const std::lock_guard lock(mutex_);
    if (projection == unreadable_) return Error{"a block is damaged"};
    const auto table = now_.tables.find({std::string(projection), generation});
    if (table == now_.tables.end()) return {};
    for (auto row = table->second.lower_bound(std::string(from));
         row != table->second.end() && (to.empty() || row->first < to); ++row) {
      if (!visit(row->first, row->second)) break;
    }
    return {};
  }
  Result<std::optional<std::string>, Error> get(std::string_view projection, std::uint64_t generation,
                                                std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    if (projection == unreadable_) return Error{"a block is damaged"};
    const auto table = now_.tables.find({std::string(projection), generation});
    if (table == now_.tables.end()) return std::optional<std::string>();
    const auto row = table->second.find(std::string(key));
    return row == table->second.end() ? std::optional<std::string>() : std::optional(row->second);
  }
  Result<std::uint64_t, Error> begin_generation(std::string_view) override {
    const std::lock_guard lock(mutex_);
    return ++last_generation_;
  }
  Result<void, Error> bulk_load(std::string_view projection, std::uint64_t generation,
                                const std::function<bool(std::string&, std::string&)>& next) override {
    if (before_load) before_load();
    const std::lock_guard lock(mutex_);
    auto& rows = now_.tables[{std::string(projection), generation}];
    std::string key, value, last;
    while (next(key, value)) {
      if (!last.empty() && key <= last) return Error{"rows out of order"};
      last = key;
      rows[key] = value;
    }
    return {};
  }
  Result<void, Error> activate(const std::vector<std::pair<std::string, std::uint64_t>>& generations) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, generation] : generations) now_.serving[name] = generation;
    flushed_ = now_;
    return {};
  }
  void drop(std::string_view projection, std::uint64_t generation) override {
    const std::lock_guard lock(mutex_);
    now_.tables.erase({std::string(projection), generation});
    now_.checkpoints.erase({std::string(projection), generation});
  }
  Result<void, Error> flush() override {
    const std::lock_guard lock(mutex_);
    flushed_ = now_;
    return {};
  }

  using Table = std::map<std::string, std::string>;
  Table rows(const std::string& projection) const {
    const std::uint64_t serving = generation(projection);
    const std::lock_guard lock(mutex_);
    const auto found = now_.tables.find({projection, serving});
    return found == now_.tables.end() ? Table{} : found->second;
  }
  void change(const std::string& projection, const std::function<void(Table&)>& change) {
    const std::uint64_t serving = generation(projection);
    const std::lock_guard lock(mutex_);
    change(now_.tables[{projection, serving}]);
  }
  void set_checkpoint_hash(const std::string& projection, const storage::Hash& hash) {
    const std::uint64_t serving = generation(projection);
    const std::lock_guard lock(mutex_);
    now_.checkpoints[{projection, serving}].hash = hash;
  }
  void make_unreadable(std::string projection) {
    const std::lock_guard lock(mutex_);
    unreadable_ = std::move(projection);
  }
  std::atomic<bool> fail_writes = false;
  std::function<void()> before_load;

  using Name = std::pair<std::string, std::uint64_t>;
  struct Content {
    std::map<Name, Table> tables;
    std::map<Name, storage::Checkpoint> checkpoints;
    std::map<std::string, std::uint64_t> serving;
  };
  Content flushed() const {
    const std::lock_guard lock(mutex_);
    return flushed_;
  }
  void restore(Content content) {
    const std::lock_guard lock(mutex_);
    now_ = flushed_ = std::move(content);
  }

 private:
  std::string unreadable_;
  mutable std::mutex mutex_;
  Content now_, flushed_;
  std::uint64_t last_generation_ = 1;
};

}  // namespace taskledger::projections
