// A workspace's head as somebody kept it: the JSON of the API's `GET /audit/head`, in a file.
#pragma once

#include <optional>
#include <string>

#include "core/ids.h"
#include "storage/event_log.h"

namespace taskledger::app {

struct KeptHead {
  std::optional<WorkspaceId> workspace;
  storage::WorkspaceHead head;    // `time` as far as it is given
  std::string signature, key_id;  // empty: it has none
};
// Throws Failed naming the file when it is no such head.
[[nodiscard]] KeptHead read_kept_head(const std::string& file);

}  // namespace taskledger::app
