// What was erased by law, told apart from the log: so that a backup made before can be restored without it. The list
// stands in the data directory and, as of the last backup, beside the backups; it names tasks and nothing of them.
//
//   DIR/erasures  a line each: workspace number, task, who erased it, when (milliseconds), with a space between
//
// Threads: one writer a file at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "storage/event_log.h"

namespace taskledger::storage {

inline constexpr const char* kErasuresFile = "erasures";

struct Erasure {
  WorkspaceNumber workspace;
  Uuid stream;
  UserId actor;
  Timestamp time;
};

// Whether the file is there and is such a list, but for a last line that a crash cut off.
[[nodiscard]] Result<void, ReadError> check_erasures(const std::filesystem::path& file);
// Each task once. A file that is not there is an empty list; a last line that a crash cut off is none. ReadError: any
// other line that is none, by its number.
[[nodiscard]] Result<std::vector<Erasure>, ReadError> read_erasures(const std::filesystem::path& file);
// Whether it lacks the end of its last line, or all of it, as a crash or worse leaves it: then it may lack lines, too.
[[nodiscard]] bool lacks_its_end(const std::filesystem::path& file);
// Adds those that are not there yet; they are on disk when it returns. Damaged lines are in nobody's way.
Result<void, ReadError> add_erasures(const std::filesystem::path& file, std::span<const Erasure> erasures);

// The same for who adds to a file again and again and is the only one: it is read once.
class ErasureList {
 public:
  explicit ErasureList(std::filesystem::path file) : file_(std::move(file)) {}
  Result<void, ReadError> add(std::span<const Erasure> erasures);
  [[nodiscard]] bool is_there() const;

 private:
  const std::filesystem::path file_;
  std::optional<std::set<std::pair<WorkspaceNumber, Uuid>>> listed_;  // absent: to be read
};

// Erases in `log`, opened for this alone, what is listed and still there: a task that is not deleted is deleted too.
// Returns how many. The commits are marked as imported: they notify nobody.
[[nodiscard]] Result<std::uint64_t, ReadError> erase_listed(EventLog& log, std::span<const Erasure> erasures);

}  // namespace taskledger::storage
