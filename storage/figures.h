// Sizes and vital figures of the stores, for `stats`, metrics and /readyz. Plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "storage/event_log.h"
#include "storage/tally.h"

namespace taskledger::storage {

struct StoreFigures {
  std::uint64_t table_bytes = 0;  // live table files
  std::uint64_t wal_bytes = 0;    // 0 for the views, which have none
  std::uint64_t memtable_bytes = 0;
  std::uint64_t cache_bytes = 0;          // block cache in use
  std::uint64_t table_readers_bytes = 0;  // indexes and filters of open files
  std::uint64_t files = 0;
  std::uint64_t pending_compaction_bytes = 0;
  bool write_stalled = false;
  std::uint64_t background_errors = 0;
};
struct LogFigures {
  StoreFigures store;
  Head head;
  std::vector<std::pair<WorkspaceNumber, WorkspaceHead>> workspaces;  // by number
};

// Of the appender since the log was opened, and of what waits for it now.
struct AppendFigures {
  Distribution commits_per_group;  // group: what one write and one sync made durable
  Distribution records_per_group;
  Distribution write_seconds;  // of a group, the sync included
  std::uint64_t queued_commits = 0, queued_bytes = 0;
  std::uint64_t turned_away = 0;  // the queue was full
};

}  // namespace taskledger::storage
