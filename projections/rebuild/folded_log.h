// The whole log folded into the rows of each projection, in key order: for building a generation from nothing, and for
// comparing the rows of one that serves with what they should be.
// A few threads read stretches of the log side by side, and hand the records on by the hash of their task; then each
// takes the records of some shares of the tasks, in the order of the log, parses them and folds them.
// Threads: one calls; it may bring others. Sources of rows may run on several at once.
// Memory: of every task its row of `list` and 45 bytes, live and deleted, once sorted 40 more; of every notification
// up to 64 bytes while folding, then 32.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "projections/rebuild/team.h"
#include "storage/event_log.h"

namespace taskledger::projections {

// The next row in key order; false at the end.
using RowSource = std::function<bool(std::string& key, std::string& value)>;
// Told how far it is, often; false: stop (the answer is then an error).
using FoldProgress = std::function<bool(Position)>;

class FoldedLog {
 public:
  explicit FoldedLog(Team& team);  // outlives this
  ~FoldedLog();
  // Folds the records from where it is up to `to`. ReadError also for one whose payload is gone though nothing erased
  // it.
  Result<void, storage::ReadError> fold(const storage::EventLog& log, Position to, const FoldProgress& progress);
  [[nodiscard]] Position position() const;
  // To be called before rows(), once nothing more is folded, or again when more was.
  void sort();
  // list, mode, stats or notifications. This outlives the source.
  [[nodiscard]] RowSource rows(std::string_view projection) const;
  // The row of `list` of a live task.
  [[nodiscard]] std::optional<std::string_view> list_row(WorkspaceNumber workspace, const Uuid& task) const;
  [[nodiscard]] std::uint64_t tasks(WorkspaceNumber workspace) const;  // live ones; of what is sorted

  // The same in parts that may be asked for and read at once, in key order: together they are its rows. A few parts for
  // each thread, though none of less than about `least` rows where there are several.
  static constexpr std::size_t kLeastOfPart = 20'000;
  [[nodiscard]] std::vector<std::function<RowSource()>> parts(std::string_view projection,
                                                              std::size_t least = kLeastOfPart) const;

  struct State;  // folded_state.h

 private:
  std::unique_ptr<State> state_;
};

}  // namespace taskledger::projections
