// What opening a log has to put right: rows past the head, left by a bulk append that did not finish.
#pragma once

#include "storage/log_tables.h"

namespace taskledger::storage {

// Removes every record, index row and feed block past the given heads. Returns how many records there were. The index
// rows of one that cannot be read are found by a walk of the whole index.
Result<std::uint64_t, ReadError> remove_leftovers(const LogTables& tables, const HeadRows& heads);

}  // namespace taskledger::storage
