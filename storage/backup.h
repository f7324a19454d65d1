// Backups of the log: incremental, in one directory of their own, made while writes go on or offline. The read models
// are no part of them: they are rebuilt from the log.
//
//   DIR/format      as in a data directory
//   DIR/secret.key  the data directory's key, mode 0600, unless it is kept elsewhere: who reads it can sign
//   DIR/erasures    what was erased by law up to the latest backup (erasure_list.h)
//   DIR/lock        held by whoever makes or reads backups there
//   DIR/log/        RocksDB's backup engine: files that the backups share, and a small one for each backup
//
// A backup is there once it is complete: one that was killed half-way leaves those before it, and its remains go with
// the next one. A restore that was killed leaves a data directory which refuses to open and says so; another restore
// into it begins anew, and one beside it is refused. Failure: a ReadError with one line for the operator.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "core/clock.h"
#include "storage/data_directory.h"
#include "storage/event_log.h"

namespace taskledger::storage {

class LogTables;

struct BackedUp {
  std::string id;              // counts up from 1 in each directory
  Position position;           // up to which it holds the log
  std::filesystem::path path;  // the directory
  std::uint64_t erased = 0;    // tasks that were erased after the backup, by a restore
};

// Of the log that `tables` are. `durable`: a head that is on disk. One at a time for each `to`. Once `*give_up` is true
// it ends with an error, and the next one takes away what it has copied.
[[nodiscard]] Result<BackedUp, ReadError> back_up_tables(const LogTables& tables, const DataDirectory& from,
                                                         const Head& durable, const std::filesystem::path& to,
                                                         const std::atomic<bool>* give_up = nullptr);

struct RestoreSettings {
  std::string id;                  // empty: the latest
  std::filesystem::path erasures;  // a list beside the one that the backups have, e.g. a lost directory's; may be empty
  Clock clock;
  RandomBytes random;
};
// Into `data`, which must be empty, absent, or what an interrupted restore left. What was erased since the backup is
// erased in the copy before it can be opened.
[[nodiscard]] Result<BackedUp, ReadError> restore_backup(const std::filesystem::path& from,
                                                         const std::filesystem::path& data,
                                                         const RestoreSettings& settings);

// The file whose presence says that a restore did not end.
inline constexpr const char* kRestoringFile = "restoring";

}  // namespace taskledger::storage
