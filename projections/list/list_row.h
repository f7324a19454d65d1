// Rows of the read model `list`: each live task of each workspace, whole, in order of ids; images are loaded from them.
//
//   task      key   := workspace u32 BE, task id (16 bytes)
//             value := format u8 (1), version u32, cell u16 (cells.h), flags u8, due i64, created i64, updated i64,
//                      completed i64, created by (16), [assigned to (16)], [completed by (16)], title length u16,
//                      title, links u8, (entity (16), type u8)*          numbers little-endian; times in ms, null the
//                      greatest
//             flags := 1: assigned, 2: completed by someone
//   workspace key   := workspace u32 BE
//             value := format u8 (1), position u64, tasks u32     of the state that the rows are of
//
// Threads: any. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/task.h"

namespace taskledger::projections {

inline constexpr std::string_view kListProjection = "list";

[[nodiscard]] std::string list_key(WorkspaceNumber workspace);
[[nodiscard]] std::string list_key(WorkspaceNumber workspace, const TaskId& task);
void append_list_key(std::string& out, WorkspaceNumber workspace, const TaskId& task);
[[nodiscard]] std::string list_value(const Task& task);
void append_list_value(std::string& out, const Task& task);
// False for bytes that are no such row. Reuses what `task` holds.
[[nodiscard]] bool read_list_row(std::string_view key, std::string_view value, Task& task);

// The same without the key: all but the id.
[[nodiscard]] bool read_list_value(std::string_view value, Task& task);

// What of a row the other read models are made of, without reading the rest. The row is a whole one.
struct ListFacts {
  std::uint16_t cell = 0;
  std::int64_t due = 0, completed = 0;  // ms, or the greatest
  bool assigned = false;
  Uuid assignee;
};
[[nodiscard]] ListFacts list_facts(std::string_view value);

struct ListSummary {
  WorkspacePosition position;
  std::uint32_t tasks = 0;
};
[[nodiscard]] std::string list_summary_value(const ListSummary& summary);
[[nodiscard]] bool read_list_summary(std::string_view value, ListSummary& summary);

}  // namespace taskledger::projections
