#include "app/service_manager.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "core/named_thread.h"

namespace taskledger::app {
namespace {

std::string take_from_environment(const char* name) {
  const char* value = std::getenv(name);
  std::string out = value == nullptr ? "" : value;
  ::unsetenv(name);
  return out;
}

std::uint64_t number_of(const std::string& text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

ServiceManager::ServiceManager() : socket_(take_from_environment("NOTIFY_SOCKET")) {
  watchdog_usec_ = number_of(take_from_environment("WATCHDOG_USEC"));
  // Meant for another process (one that was started by a wrapper, say).
  const auto pid = number_of(take_from_environment("WATCHDOG_PID"));
  if (pid != 0 && pid != static_cast<std::uint64_t>(::getpid())) watchdog_usec_ = 0;
}

ServiceManager::~ServiceManager() { end_watch(); }

void ServiceManager::end_watch() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ending_.notify_all();
  if (watchdog_.joinable()) watchdog_.join();
}

void ServiceManager::notify(std::string_view lines) const {
  sockaddr_un to{};
  if (socket_.empty() || socket_.size() >= sizeof to.sun_path) return;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, socket_.data(), socket_.size());
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';  // abstract
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  if (::sendto(fd, lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), length) < 0) {
    spdlog::warn("telling the service manager: {}", std::strerror(errno));
  }
  ::close(fd);
}

void ServiceManager::ready() { notify("READY=1\nSTATUS=serving\n"); }
void ServiceManager::stopping() {
  end_watch();
  notify("STOPPING=1\nSTATUS=stopping\n");
}

void ServiceManager::reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t usec = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\n", usec));
}

void ServiceManager::watch(std::function<bool()> alive) {
  if (watchdog_usec_ == 0 || socket_.empty() || watchdog_.joinable()) return;
  watchdog_ = named_thread("watchdog", [this, alive = std::move(alive)] {
    const std::chrono::microseconds half{watchdog_usec_ / 2};
    std::unique_lock lock(mutex_);
    do {
      lock.unlock();
      if (alive()) notify("WATCHDOG=1\n");
      lock.lock();
    } while (!ending_.wait_for(lock, half, [this] { return ended_; }));
  });
}

}  // namespace taskledger::app
