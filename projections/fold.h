// The whole log folded into the rows of each projection, in key order: for building a generation from nothing, and for
// comparing the rows of one that serves with what they should be.
// Threads: one. Memory: every task's state, live and deleted.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/ids.h"
#include "storage/event_log.h"

namespace taskledger::projections {

// The next row in key order; false at the end.
using RowSource = std::function<bool(std::string& key, std::string& value)>;

class FoldedLog {
 public:
  FoldedLog();
  ~FoldedLog();
  // Folds the records with positions up to `to`; `progress` is told how far it is.
  Result<void, storage::ReadError> fold(const storage::EventLog& log, Position to,
                                        const std::function<void(Position)>& progress);
  // list, mode, stats or notifications. The fold outlives the source.
  [[nodiscard]] RowSource rows(std::string_view projection) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace taskledger::projections
