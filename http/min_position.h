// X-Min-Position: a request that waits until the read models have passed a position.
#pragma once

#include <chrono>
#include <optional>

#include "core/ids.h"
#include "http/message.h"
#include "http/service.h"
#include "projections/runner.h"

namespace taskledger::http {

inline constexpr std::chrono::seconds kMaxPositionWait{5};

// nullopt: no non-negative integer.
[[nodiscard]] std::optional<WorkspacePosition> min_position_of(const RequestHead& head);
// False when kMaxPositionWait has gone by. A coroutine of an io thread; holds no thread.
[[nodiscard]] Task<bool> wait_for_position(projections::Runner& models, WorkspaceNumber workspace,
                                           WorkspacePosition position);

}  // namespace taskledger::http
