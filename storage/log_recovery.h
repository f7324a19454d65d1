// What opening a log has to look at, and to put right: rows past the head, left by a bulk append that did not finish.
#pragma once

#include "storage/head_mark.h"
#include "storage/log_tables.h"

namespace taskledger::storage {

// That the records from the head mark on are there one by one, up to the head: of files that were not synced a power
// cut may have taken any.
Result<void, ReadError> check_since(const LogTables& tables, const HeadMark& mark, const Head& head);
// Removes every record, index row and feed block past the given heads. Returns how many records there were. The index
// rows of one that cannot be read are found by a walk of the whole index.
Result<std::uint64_t, ReadError> remove_leftovers(const LogTables& tables, const HeadRows& heads);

}  // namespace taskledger::storage
