#include "app/system.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

namespace taskledger::app {

Timestamp system_now() {
  using namespace std::chrono;
  return {duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

void system_random(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
  }
}

void pooled_random(std::span<std::uint8_t> bytes) {
  struct Pool {
    std::array<std::uint8_t, 4096> bytes;
    std::size_t left = 0;  // unused ones, at the front
  };
  thread_local Pool pool;
  if (bytes.size() > pool.bytes.size()) return system_random(bytes);
  if (pool.left < bytes.size()) {
    system_random(pool.bytes);
    pool.left = pool.bytes.size();
  }
  pool.left -= bytes.size();
  std::memcpy(bytes.data(), pool.bytes.data() + pool.left, bytes.size());
}

}  // namespace taskledger::app
