// Threads with names, for those who look at a running server: top -H, ps -L, gdb, perf.
#pragma once

#include <pthread.h>

#include <thread>
#include <utility>

namespace taskledger {

// A thread that runs `work`; the name is at most 15 characters and stays.
template <class Work>
[[nodiscard]] std::thread named_thread(const char* name, Work work) {
  return std::thread([name, work = std::move(work)]() mutable {
    pthread_setname_np(pthread_self(), name);
    work();
  });
}

}  // namespace taskledger
