// The signals that a server heeds: SIGTERM and SIGINT end it, SIGHUP is for whoever asks next(). A thread of its own
// waits for them, so that a start that takes long (catching up, building read models) can be ended too.
#pragma once

#include <signal.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace taskledger::app {

class Signals {
 public:
  // Blocks them for this thread and all that it starts from now on: before any other is started. Until started() is
  // called, SIGTERM and SIGINT end the process at once, with exit status 0, and SIGHUP is passed over. A start leaves
  // nothing that a start after kill -9 does not take up.
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  void started();
  [[nodiscard]] int next();  // waits for one; those that came since started(), in order

 private:
  void listen();

  sigset_t heeded_{};
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<int> unheard_;
  bool started_ = false, ending_ = false;
  std::thread thread_;
};

}  // namespace taskledger::app
