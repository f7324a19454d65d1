// Each run in a process of its own, which ends with it: whatever a failing disk leaves behind in RocksDB goes too.
//
// RocksDB 7.8, when it closes after a flush that failed, now and then misses a reference and ends the process by an
// assertion (`last_ref` in ~ColumnFamilySet) where it was built with assertions, as Debian's is. It has nothing to do
// with what is on the disk, so such a run is told apart, and counted, instead of being taken for a failure. Threads:
// the calling process must not have used RocksDB, whose threads a child would miss.
#pragma once

#include <functional>

namespace taskledger::faults {

enum class Outcome { passed, failed, lost_reference };
// The child's output is shown when it fails.
[[nodiscard]] Outcome run_in_child(const std::function<void()>& body);

}  // namespace taskledger::faults
