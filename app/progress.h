// Progress of long work on stderr: rate and remaining time; one line rewritten on a terminal, a line every few seconds
// elsewhere. Not for use by several threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace taskledger::app {

class Progress {
 public:
  explicit Progress(std::string what);  // "imported", "verified", …
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` events so far; `fraction` of the whole, 0 to 1 (0: unknown). Cheap enough to be called for every event.
  void update(std::uint64_t done, double fraction);
  // For steps that take longer than a look at the clock.
  void update_now(std::uint64_t done, double fraction);
  void clear();                          // takes the line off a terminal, before something else is printed
  [[nodiscard]] double seconds() const;  // since the beginning

 private:
  void print(std::uint64_t done, double fraction);

  const std::string what_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point next_;
  std::uint32_t calls_ = 0;
  bool open_line_ = false;
};

}  // namespace taskledger::app
