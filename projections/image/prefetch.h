// Asking the processor for a cache line that will be read soon. GCC takes a function that does nothing but prefetch for
// one without effects and drops calls to it: whoever wraps this one is TASKLEDGER_INLINED too.
#pragma once

#define TASKLEDGER_INLINED __attribute__((always_inline)) inline

namespace taskledger::projections {

TASKLEDGER_INLINED void prefetch_line(const void* at) { __builtin_prefetch(at); }

}  // namespace taskledger::projections
