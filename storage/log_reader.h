// A log that is only read, beside the process that may be writing it. Shows the log as it was when opened, or at the
// last catch_up(); never past the head row, so never half a commit; nor another log that is put in its place meanwhile,
// which is an error. append() and begin_bulk() answer `closed`. Threads: as EventLog; catch_up() by one thread at a
// time.
#pragma once

#include <memory>

#include "storage/data_directory.h"
#include "storage/event_log.h"
#include "storage/figures.h"

namespace taskledger::storage {

class LogReader : public EventLog {
 public:
  virtual Result<void, ReadError> catch_up() = 0;
  [[nodiscard]] virtual LogFigures figures() const = 0;
};

struct ReaderOptions {
  Clock clock;                    // for idempotency rows only; may be empty
  std::filesystem::path scratch;  // where the reader's own directory is made; empty: the system's temporary directory
  std::size_t block_cache_bytes = std::size_t{32} << 20;
};
// `directory` outlives the reader. ReadError: no log there, or it is damaged (the text names the file).
[[nodiscard]] Result<std::unique_ptr<LogReader>, ReadError> open_log_reader(const DataDirectory& directory,
                                                                            ReaderOptions options = {});

}  // namespace taskledger::storage
