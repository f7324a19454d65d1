// The process's own log, on stderr: set up once at the start, before other threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace taskledger::app {

enum class LogFormat { text, json };

// `level`: trace, debug, info, warn, error or off. JSON lines have time, level and message.
void set_up_logging(LogFormat format, const std::string& level);

// Takes whole access lines (newline included) to a descriptor, buffered: they are there at the latest a second later,
// and at the end. Where nobody takes them from there (a full pipe), nobody waits for it: 4 MiB are held, later lines
// are left out, and the log tells how many. Any thread.
class AccessSink {
 public:
  explicit AccessSink(int descriptor);
  ~AccessSink();  // as end()
  AccessSink(const AccessSink&) = delete;
  AccessSink& operator=(const AccessSink&) = delete;
  void write(std::string_view line);
  // Writes what there is, but waits no longer than a second for one who takes nothing. No lines after this.
  void end();

 private:
  static constexpr std::size_t kSoon = std::size_t{32} << 10, kMost = std::size_t{4} << 20;  // bytes

  void run();
  bool put(std::string_view lines);  // false: at the end, and nobody takes them

  const int descriptor_;
  const std::size_t at_once_;  // bytes that a write of whole lines may have without waiting in the midst of it
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::string buffer_;
  std::size_t left_out_ = 0;  // lines
  std::atomic<bool> ended_{false};
  std::thread writer_;
};

}  // namespace taskledger::app
