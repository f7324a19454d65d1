// Work on one query that other threads take part in while they have nothing else to do: a fixed few of them, one less
// than the machine has cores, stand ready. Who asks begins at once and takes what is left; a helper that comes late
// takes less, one that does not come holds nothing up.
// Threads: any, several at once.
#pragma once

#include <cstddef>
#include <functional>

namespace taskledger::projections {

// Calls work(part) once for each part below `parts`, on this thread and perhaps on others at the same time; returns
// when all are done. What a call throws is thrown here, the parts not begun by then left out.
void share_work(std::size_t parts, const std::function<void(std::size_t part)>& work);

}  // namespace taskledger::projections
