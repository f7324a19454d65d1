#include "app/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace taskledger::app {
namespace {
constexpr std::chrono::milliseconds kOnTerminal{200}, kElsewhere{5000};
constexpr std::uint32_t kCallsBetweenLooks = 256;  // a look at the clock costs more than most steps
}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)),
      terminal_(isatty(STDERR_FILENO) == 1),
      begin_(std::chrono::steady_clock::now()),
      next_(begin_ + (terminal_ ? kOnTerminal : kElsewhere)) {}

Progress::~Progress() { clear(); }

void Progress::clear() {
  if (!open_line_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  open_line_ = false;
}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

void Progress::update(std::uint64_t done, double fraction) {
  if (++calls_ % kCallsBetweenLooks == 0) update_now(done, fraction);
}

void Progress::update_now(std::uint64_t done, double fraction) {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + (terminal_ ? kOnTerminal : kElsewhere);
  print(done, fraction);
}

void Progress::print(std::uint64_t done, double fraction) {
  const double elapsed = seconds();
  std::string line = fmt::format("{} {} events, {:.0f}/s", what_, done, static_cast<double>(done) / elapsed);
  if (fraction > 0.001 && fraction <= 1)
    line += fmt::format(", {:.0f} %, {:.0f} s left", fraction * 100, elapsed * (1 - fraction) / fraction);
  if (terminal_) {
    fmt::print(stderr, "\r{}\033[K", line);
    open_line_ = true;
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
}

}  // namespace taskledger::app
