// The part of verify that reads every record: in chunks, on several threads, joined in order. Inside `storage` and the
// bench only. Memory: a few chunks' notes, and a row for each task whose erased records were met and whose TaskErased
// was not yet.
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "storage/log_tables.h"

namespace taskledger::storage {

// A 128-bit sum of what index rows say, in whatever order they come: equal sums, equal rows (but for a forger, who
// would have to forge the chain as well).
struct RowSum {
  std::uint64_t low = 0, high = 0;
  void add(std::string_view key, Position position);
  // The same for the keys that keys.h makes of these.
  void add_stream(WorkspaceNumber workspace, const Uuid& stream, Version version, Position position);
  void add_workspace(WorkspaceNumber workspace, WorkspacePosition in_workspace, Position position);
  RowSum& operator+=(const RowSum& other) {
    low += other.low;
    high += other.high;
    return *this;
  }
  friend bool operator==(const RowSum&, const RowSum&) = default;

 private:
  void add(const std::uint64_t (&key)[3], Position position);
};

struct ChainSums {
  RowSum streams, workspaces;  // the rows that the records ask for
};

// Checks positions 1 to the head: gapless, both chains, workspace positions, that they end in the given heads, and that
// a payload is gone only where an erasure took it. (Whether one is there is outside the chains, so that it can be
// erased; that a task was erased is a record's type, and inside.)
[[nodiscard]] Result<ChainSums, ReadError> check_chains(
    const LogTables& tables, const HeadRows& heads, unsigned threads,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace taskledger::storage
