#include "projections/mode/mode_row.h"

#include "projections/row_bytes.h"

namespace taskledger::projections {

std::string mode_key(WorkspaceNumber workspace, const Uuid* assignee, std::int64_t due, const Uuid& task) {
  std::string key;
  key.reserve(45);
  put_big(key, workspace.value);
  put_big(key, static_cast<std::uint8_t>(assignee == nullptr));
  put_uuid(key, assignee == nullptr ? Uuid{} : *assignee);
  put_big(key, static_cast<std::uint64_t>(due));
  put_uuid(key, task);
  return key;
}

std::string mode_value(std::uint16_t cell) {
  std::string value;
  put_little(value, cell);
  return value;
}

}  // namespace taskledger::projections
