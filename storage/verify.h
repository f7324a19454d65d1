// Proof that a log is what was acknowledged: walks all of it, in parallel, and checks positions, both hash chains, the
// versions of every stream, that no payload is gone but by an erasure, the index tables and the feed's summaries
// against the records, the head rows, and the head mark outside the log. Runs beside a serving process, on the log as
// it stands when it begins. Memory: see chain_check.h; it does not grow with the log. Failure: a ReadError whose text
// is "position N: what is wrong" for the first bad position, or names the file that cannot be read.
#pragma once

#include <functional>

#include "storage/data_directory.h"
#include "storage/event_log.h"

namespace taskledger::storage {

struct VerifyOptions {
  unsigned threads = 2;
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;  // from any of the threads, one at a time
  std::filesystem::path scratch;                                          // as in ReaderOptions
};
struct Verified {
  std::uint64_t events = 0;  // all records of the log
  Head head;
};
[[nodiscard]] Result<Verified, ReadError> verify_log(const DataDirectory& directory, const VerifyOptions& options = {});

// Whether a workspace head that somebody kept is still on the workspace's chain, so that nothing before it was altered
// (together with verify_log, which proves the chain itself).
[[nodiscard]] Result<void, ReadError> verify_kept_head(const EventLog& log, WorkspaceNumber workspace,
                                                       const WorkspaceHead& kept);

}  // namespace taskledger::storage
