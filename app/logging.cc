#include "app/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string_view>

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

}  // namespace

AccessSink::AccessSink() {
  flusher_ = named_thread("access-log", [this] {
    std::unique_lock lock(mutex_);
    while (!ended_) {
      ending_.wait_for(lock, std::chrono::seconds{1});
      lock.unlock();
      flush();
      lock.lock();
    }
  });
}

AccessSink::~AccessSink() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ending_.notify_all();
  flusher_.join();
  flush();
}

void AccessSink::write(std::string_view line) {
  {
    const std::lock_guard lock(mutex_);
    buffer_ += line;
    if (buffer_.size() < kBuffer) return;
  }
  flush();
}

// Whole lines in one call, so that those of the process's own log do not end up inside them.
void AccessSink::flush() {
  const std::lock_guard writing(writing_);
  {
    const std::lock_guard lock(mutex_);
    out_.swap(buffer_);
    buffer_.clear();
  }
  for (std::string_view rest = out_; !rest.empty();) {
    const auto n = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (n <= 0) break;  // nobody to tell
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  out_.clear();
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
