#include "app/process_start.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <new>
#include <string_view>
#include <system_error>

#include "app/command.h"

namespace taskledger::app {
namespace {

std::terminate_handler aborting = nullptr;

// A thread that cannot be started throws, and RocksDB's vector of those that were ends the program while it unwinds: by
// then there is no exception to be asked.
bool is_exhaustion() {
  const auto thrown = std::current_exception();
  if (!thrown) return std::uncaught_exceptions() > 0;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::bad_alloc&) {
    return true;
  } catch (const std::system_error& error) {
    return error.code() == std::errc::resource_unavailable_try_again || error.code() == std::errc::not_enough_memory;
  } catch (...) {
    return false;
  }
}

void last_words() {
  constexpr std::string_view kLine =
      "taskledger: out of memory or of threads (see ulimit -a, and what else is running)\n";
  if (!is_exhaustion()) aborting();
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kLine.data(), kLine.size());
  ::_exit(kFailed);
}

}  // namespace

void take_standard_descriptors() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest number that is free is this one. Opened the wrong way round: reads and writes go on failing.
    static_cast<void>(::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

void name_exhaustion() { aborting = std::set_terminate(last_words); }

}  // namespace taskledger::app
