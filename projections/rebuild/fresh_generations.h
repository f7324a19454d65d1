// Generations that are being built beside the serving ones: begun, loaded in bulk with what was folded, and at last put
// in their place. Whatever is not activated is dropped again. Threads: one. The store outlives it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "projections/rebuild/folded_log.h"
#include "storage/view_store.h"

namespace taskledger::projections {

class FreshGenerations {
 public:
  explicit FreshGenerations(storage::ViewStore& views) : views_(views) {}
  ~FreshGenerations();
  FreshGenerations(const FreshGenerations&) = delete;
  FreshGenerations& operator=(const FreshGenerations&) = delete;

  // Of each projection named the rows of what was folded (and sorted), and a checkpoint there, which `log` must
  // confirm.
  Result<void, storage::ReadError> load(const std::vector<std::string>& names, const FoldedLog& folded,
                                        const storage::EventLog& log, Team& team);
  [[nodiscard]] std::uint64_t generation(std::string_view projection) const;  // 0: none
  // Those named serve from now on; returns the ones that they replace, which are still there.
  Result<std::vector<std::pair<std::string, std::uint64_t>>, storage::ReadError> activate(
      const std::vector<std::string>& names);

 private:
  storage::ViewStore& views_;
  std::vector<std::pair<std::string, std::uint64_t>> made_;
};

// Folds the log up to `to` and puts generations of those named in the place of the old ones, which nobody reads.
Result<void, storage::ReadError> build_generations(const storage::EventLog& log, storage::ViewStore& views,
                                                   const std::vector<std::string>& names, Position to, Team& team,
                                                   const FoldProgress& progress);

}  // namespace taskledger::projections
