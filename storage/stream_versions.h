// The versions of streams, as the appender knows them: a bounded cache of what it wrote or saw, the `streams` table
// behind it. Threads: the appender's.
#pragma once

#include <unordered_map>

#include "storage/log_tables.h"

namespace taskledger::storage {

class StreamVersions {
 public:
  StreamVersions(const LogTables& tables, std::size_t max_cached) : tables_(tables), half_(max_cached / 2 + 1) {}

  // Whether the stream has exactly `expected` records, those set() and not yet written included.
  [[nodiscard]] Result<bool, ReadError> is(WorkspaceNumber workspace, const Uuid& stream, Version expected);
  void set(WorkspaceNumber workspace, const Uuid& stream, Version version);
  // Forgets old entries when there are too many. Only while everything set() is written.
  void trim();
  void clear();

 private:
  struct Key {
    WorkspaceNumber workspace;
    Uuid stream;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<Uuid>{}(key.stream) ^ (key.workspace.value * 0x9e3779b97f4a7c15ull);
    }
  };
  using Map = std::unordered_map<Key, Version, KeyHash>;
  [[nodiscard]] Result<bool, ReadError> has_row(WorkspaceNumber workspace, const Uuid& stream, Version version) const;

  const LogTables& tables_;
  const std::size_t half_;
  Map young_, old_;  // the old half is dropped when the young one is full
};

}  // namespace taskledger::storage
