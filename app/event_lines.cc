#include "app/event_lines.h"

#include "commands/task_stream.h"
#include "core/event.h"

namespace taskledger::app {

void append_record_line(std::string& out, const storage::Record& record, const WorkspaceId& workspace) {
  const EventHeader header{
      .position = record.in_workspace,
      .id = commands::event_id_of(record, workspace),
      .workspace_id = workspace,
      .task_id = {record.stream},
      .version = record.version,
      .type = static_cast<EventType>(record.type),
      .time = record.time,
      .actor = record.actor,
  };
  append_event_line(out, header, record.payload);
}

}  // namespace taskledger::app
