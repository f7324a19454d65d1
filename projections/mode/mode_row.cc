#include "projections/mode/mode_row.h"

#include "projections/row_bytes.h"

namespace taskledger::projections {

void append_mode_key(std::string& out, WorkspaceNumber workspace, const Uuid* assignee, std::int64_t due,
                     const Uuid& task) {
  put_big(out, workspace.value);
  put_big(out, static_cast<std::uint8_t>(assignee == nullptr));
  put_uuid(out, assignee == nullptr ? Uuid{} : *assignee);
  put_big(out, static_cast<std::uint64_t>(due));
  put_uuid(out, task);
}

void append_mode_value(std::string& out, std::uint16_t cell) { put_little(out, cell); }

}  // namespace taskledger::projections
