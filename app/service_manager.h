// What systemd is told of this process over NOTIFY_SOCKET (sd_notify(3) says how), written by ourselves: a datagram of
// `NAME=value` lines. Without that variable nothing happens. The watchdog is a thread that says WATCHDOG=1 at half the
// interval of WATCHDOG_USEC, as long as `alive` holds: one that has failed for good is then started anew.
// Threads: not for use by several, but for the watchdog's own.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace taskledger::app {

class ServiceManager {
 public:
  ServiceManager();   // takes NOTIFY_SOCKET and WATCHDOG_USEC out of the environment
  ~ServiceManager();  // stopping(), untold
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  void ready();
  void reloading();                         // to be followed by ready()
  void stopping();                          // ends the watchdog; what `alive` looks at may go then
  void watch(std::function<bool()> alive);  // once; nothing where no watchdog is asked for

 private:
  void end_watch();
  void notify(std::string_view lines) const;

  std::string socket_;
  std::uint64_t watchdog_usec_ = 0;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool ended_ = false;
  std::thread watchdog_;
};

}  // namespace taskledger::app
