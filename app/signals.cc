#include "app/signals.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "core/named_thread.h"

namespace taskledger::app {

Signals::Signals() {
  sigemptyset(&heeded_);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&heeded_, number);
  pthread_sigmask(SIG_BLOCK, &heeded_, nullptr);
  thread_ = named_thread("signals", [this] { listen(); });
}

Signals::~Signals() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  pthread_kill(thread_.native_handle(), SIGHUP);  // one of those it waits for
  thread_.join();
}

void Signals::started() {
  const std::lock_guard lock(mutex_);
  started_ = true;
}

int Signals::next() {
  std::unique_lock lock(mutex_);
  came_.wait(lock, [this] { return !unheard_.empty(); });
  const int number = unheard_.front();
  unheard_.pop_front();
  return number;
}

void Signals::listen() {
  for (;;) {
    int number = 0;
    if (sigwait(&heeded_, &number) != 0) continue;
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    if (started_) {
      unheard_.push_back(number);
      came_.notify_one();
    } else if (number != SIGHUP) {
      spdlog::info("stopping before the start has ended");
      spdlog::default_logger()->flush();
      std::_Exit(EXIT_SUCCESS);
    }
  }
}

}  // namespace taskledger::app
