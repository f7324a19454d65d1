// Where reactors keep how far they have come: one small ordered table of bytes beside the log, written with the log's
// durability order but not synced by itself. After a crash of the process everything written is there; after a loss of
// power an older, whole state may be, and what was done since is done again.
// Threads: any.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "storage/event_log.h"

namespace taskledger::storage {

struct RowChange {
  std::string key;
  std::optional<std::string> value;  // absent: remove
};

class ReactorStore {
 public:
  virtual ~ReactorStore() = default;
  // One atomic write; of several changes of one key the last holds.
  virtual Result<void, ReadError> write(const std::vector<RowChange>& changes) = 0;
  // All rows whose keys begin with `prefix`.
  virtual Result<void, ReadError> remove_prefix(std::string_view prefix) = 0;
  [[nodiscard]] virtual Result<std::optional<std::string>, ReadError> get(std::string_view key) const = 0;
  // Rows with keys in [from, to) in order, until `visit` says false.
  virtual Result<void, ReadError> scan(
      std::string_view from, std::string_view to,
      const std::function<bool(std::string_view key, std::string_view value)>& visit) const = 0;
};

// The first key after all that begin with `prefix` (which is not all 0xff).
[[nodiscard]] inline std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace taskledger::storage
