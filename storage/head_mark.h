// The head mark: a position that was durable, and the chain's hash there, kept in a small file outside the log, so that
// a log which ends before it, or says otherwise there, is noticed. It only ever lags what was synced, so a crash or a
// power loss cannot make it wrong.
//
//   file  = "taskledger head 1\n" "position " decimal "\n" "hash " hex64 "\n"
#pragma once

#include <filesystem>

#include "storage/event_log.h"

namespace taskledger::storage {

struct HeadMark {
  Position position;
  Hash hash{};
};

Result<void, ReadError> write_head_mark(const std::filesystem::path& file, const HeadMark& mark);
// nullopt: there is none (a new log).
[[nodiscard]] Result<std::optional<HeadMark>, ReadError> read_head_mark(const std::filesystem::path& file);
// "log ends at position N, but M was acknowledged …"
[[nodiscard]] ReadError ends_too_early(Position end, Position acknowledged);
// Likewise when the log does not hold `mark`.
Result<void, ReadError> confirm_head_mark(const HeadMark& mark, const Head& head,
                                          const Result<std::optional<Hash>, ReadError>& hash_there);

}  // namespace taskledger::storage
