// The process's own log, on stderr: set up once at the start, before other threads.
#pragma once

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

// Takes whole access lines (newline included) to stderr, buffered: they are told of at the latest a second later, when
// the buffer is full, and at the end. Any thread.
class AccessSink {
 public:
  AccessSink();
  ~AccessSink();
  AccessSink(const AccessSink&) = delete;
  AccessSink& operator=(const AccessSink&) = delete;
  void write(std::string_view line);
  void flush();

 private:
  static constexpr std::size_t kBuffer = std::size_t{32} << 10;

  std::mutex mutex_, writing_;  // writing_ first
  std::condition_variable ending_;
  std::string buffer_, out_;
  bool ended_ = false;
  std::thread flusher_;
};

}  // namespace taskledger::app
