// Records of the log as event lines. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/ids.h"
#include "storage/event_log.h"

namespace taskledger::http {

// `extra` goes before the closing brace.
void append_event(std::string& out, const storage::Record& record, const WorkspaceId& workspace,
                  std::string_view extra = {});

}  // namespace taskledger::http
