// Appends any number of imported records to one workspace, all or nothing, far faster than commits: nothing is synced
// or visible before finish(), and all of it is then.
//
// While one is open, EventLog::append() answers queue_full. The observer does not hear of these records: whoever
// imports beside running projections lets them catch up. Versions are the caller's: it has folded each stream and gives
// the next one (verify() finds a wrong one). Threads: one at a time. The log must outlive it.
#pragma once

#include "storage/event_log.h"

namespace taskledger::storage {

class BulkAppend {
 public:
  virtual ~BulkAppend() = default;  // without a successful finish(): everything is discarded
  // `record.time` must be given. An error is final: destroy this.
  virtual Result<void, ReadError> add(const UserId& actor, Version version, const NewRecord& record) = 0;
  // The same for an event whose payload was erased before it came here: `record.payload` is not looked at.
  virtual Result<void, ReadError> add_erased(const UserId& actor, Version version, const NewRecord& record) = 0;
  // A system record that lands with them, such as the new workspace's own; stamped now, not marked as imported.
  virtual Result<void, ReadError> add_system(const UserId& actor, Version version, const NewRecord& record) = 0;
  // Durable and visible once it returns. The last record's place (of none: the workspace's head).
  virtual Result<Appended, ReadError> finish() = 0;
};

}  // namespace taskledger::storage
