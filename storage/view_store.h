// Where the read models keep their rows: ordered tables of bytes in one disposable RocksDB (`views/`), a set of tables
// (a generation) for each projection. No WAL: rows and the checkpoint that counts them land in one atomic write, and a
// crash leaves an older pair of both.
// Threads: any; one writer a generation at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "storage/event_log.h"
#include "storage/row_changes.h"

namespace taskledger::storage {

// How far a projection's rows go, and the log's chain hash there: a checkpoint that the log does not confirm discards
// its generation.
struct Checkpoint {
  Position position;
  Hash hash{};
};

class ViewStore {
 public:
  virtual ~ViewStore() = default;
  // Names of projections; a table is made on first use.
  [[nodiscard]] virtual std::uint64_t generation(std::string_view projection) const = 0;  // the serving one
  [[nodiscard]] virtual Result<std::optional<Checkpoint>, ReadError> checkpoint(std::string_view projection,
                                                                                std::uint64_t generation) const = 0;
  struct TableWrite {
    std::string_view projection;
    std::uint64_t generation;
    RowChanges rows;                       // of changes of one key the last counts
    std::vector<std::string> erased = {};  // keys whose earlier values are to be purged
  };
  // One atomic write of all rows and of the checkpoint of every projection named.
  virtual Result<void, ReadError> write(const std::vector<TableWrite>& tables, const Checkpoint& checkpoint) = 0;
  // Rows with keys in [from, to) in order ("" as `to`: to the end).
  virtual Result<void, ReadError> scan(
      std::string_view projection, std::uint64_t generation, std::string_view from, std::string_view to,
      const std::function<bool(std::string_view key, std::string_view value)>& visit) const = 0;
  [[nodiscard]] virtual Result<std::optional<std::string>, ReadError> get(std::string_view projection,
                                                                          std::uint64_t generation,
                                                                          std::string_view key) const = 0;

  // Rebuilds: a new, empty generation beside the serving one; bulk load of rows in key order; the swap is one atomic,
  // flushed marker; the old one is dropped after it.
  virtual Result<std::uint64_t, ReadError> begin_generation(std::string_view projection) = 0;
  // Several at once of one generation, if their keys do not meet.
  virtual Result<void, ReadError> bulk_load(std::string_view projection, std::uint64_t generation,
                                            const std::function<bool(std::string& key, std::string& value)>& next) = 0;
  virtual Result<void, ReadError> activate(const std::vector<std::pair<std::string, std::uint64_t>>& generations) = 0;
  virtual void drop(std::string_view projection, std::uint64_t generation) = 0;
  virtual Result<void, ReadError> flush() = 0;  // everything written so far survives a crash
  // Everything written so far, and nothing of what was before at the keys written as erased is left in any file: they
  // are remembered over a crash. Waits for those who still read such files, unless `give_up` becomes true. (A store
  // without files has nothing to do.)
  virtual Result<void, ReadError> purge(const std::atomic<bool>& give_up) {
    static_cast<void>(give_up);
    return {};
  }
};

}  // namespace taskledger::storage
