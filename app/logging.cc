#include "app/logging.h"

#include <poll.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

#include "core/named_thread.h"
#include "core/text.h"

namespace taskledger::app {
namespace {

// The message as a JSON string.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    std::string text;
    append_json_string(text, {message.payload.data(), message.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

// A pipe that is ready for writing takes this much without waiting (pipe(7)).
std::size_t at_once(int descriptor) {
  struct stat status {};
  const bool is_file = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  return is_file ? std::numeric_limits<std::size_t>::max() : PIPE_BUF;
}

// How much of `lines` is whole lines of at most `most` bytes together, or else its first line.
std::size_t whole_lines(std::string_view lines, std::size_t most) {
  if (lines.size() <= most) return lines.size();
  const std::size_t last = lines.substr(0, most).rfind('\n');
  return last == lines.npos ? lines.find('\n') + 1 : last + 1;
}

constexpr std::chrono::milliseconds kTick{100};
constexpr int kTicksAtTheEnd = 10;

}  // namespace

AccessSink::AccessSink(int descriptor) : descriptor_(descriptor), at_once_(at_once(descriptor)) {
  writer_ = named_thread("access-log", [this] { run(); });
}

AccessSink::~AccessSink() { end(); }

void AccessSink::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wanted_.notify_all();
  if (writer_.joinable()) writer_.join();
}

void AccessSink::write(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  if (buffer_.size() + line.size() > kMost) {
    ++left_out_;
    return;
  }
  buffer_ += line;
  if (buffer_.size() >= kSoon) wanted_.notify_one();
}

void AccessSink::run() {
  std::string lines;
  std::unique_lock lock(mutex_);
  while (!ended_ || !buffer_.empty()) {
    wanted_.wait_for(lock, std::chrono::seconds{1}, [this] { return ended_ || buffer_.size() >= kSoon; });
    lines.clear();
    lines.swap(buffer_);
    const std::size_t left_out = std::exchange(left_out_, 0);
    lock.unlock();
    if (!put(lines)) return;
    if (left_out > 0) spdlog::warn("{} access lines were left out: they were not taken fast enough", left_out);
    lock.lock();
  }
}

// Whole lines in one call, so that those of the process's own log do not end up inside them.
bool AccessSink::put(std::string_view lines) {
  int ticks = 0;
  while (!lines.empty()) {
    pollfd waiting{descriptor_, POLLOUT, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(kTick.count()));
    if (ready == 0 || (ready < 0 && errno == EINTR)) {
      if (ended_ && ++ticks >= kTicksAtTheEnd) return false;
      continue;
    }
    const auto n = ::write(descriptor_, lines.data(), whole_lines(lines, at_once_));
    if (n <= 0) return true;  // nobody to tell
    lines.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void set_up_logging(LogFormat format, const std::string& level) {
  auto logger = std::make_shared<spdlog::logger>("taskledger", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  if (format == LogFormat::json) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<JsonMessage>('*').set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})");
    logger->set_formatter(std::move(formatter));
  } else {
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  }
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace taskledger::app
