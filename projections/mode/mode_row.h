// Rows of the read model `mode`: each live task under its assignee in order of due time, with its facets. The modes
// today, overdue, upcoming and completed are ranges and cells of it, whatever the time is when they are asked for.
//
//   key   := workspace u32 BE, scope u8 (0: assigned, 1: to nobody), assignee (16 bytes; zeros for nobody),
//            due i64 BE (ms; null the greatest), task id (16)
//   value := cell u16 LE (cells.h)
//
// Threads: any. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/task.h"
#include "projections/image/image.h"

namespace taskledger::projections {

inline constexpr std::string_view kModeProjection = "mode";

void append_mode_key(std::string& out, WorkspaceNumber workspace, const Uuid* assignee, std::int64_t due,
                     const Uuid& task);
void append_mode_value(std::string& out, std::uint16_t cell);

}  // namespace taskledger::projections
