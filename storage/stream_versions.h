// The versions of streams, as the appender knows them: a bounded cache of what it wrote or saw, the `streams` table
// behind it. Threads: the appender's. Memory: 32 to 64 bytes a stream.
#pragma once

#include <vector>

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
  // Open addressing in one piece of memory: a commit's streams come and go without an allocation, and half of them are
  // forgotten at once.
  class Map {
   public:
    [[nodiscard]] Version find(WorkspaceNumber workspace, const Uuid& stream) const;  // 0: not there
    void set(WorkspaceNumber workspace, const Uuid& stream, Version version);
    void clear();
    [[nodiscard]] std::size_t size() const { return size_; }

   private:
    struct Slot {
      Uuid stream;
      WorkspaceNumber workspace;
      Version version;  // 0: free
    };
    [[nodiscard]] std::size_t place_of(WorkspaceNumber workspace, const Uuid& stream) const;  // its own or a free one
    void grow();
    std::vector<Slot> slots_;
    std::size_t size_ = 0;
  };
  [[nodiscard]] Result<bool, ReadError> has_row(WorkspaceNumber workspace, const Uuid& stream, Version version) const;

  const LogTables& tables_;
  const std::size_t half_;
  Map young_, old_;  // the old half is dropped when the young one is full
};

}  // namespace taskledger::storage
