#include "storage/info_log.h"

#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <utility>

namespace taskledger::storage {
namespace {

constexpr long kMaxBytes = 4 << 20;

class InfoLog final : public rocksdb::Logger {
 public:
  InfoLog(std::string directory, rocksdb::Env& env) : directory_(std::move(directory)), env_(env) { begin(); }
  ~InfoLog() override {
    if (file_ != nullptr) std::fclose(file_);
  }

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    const std::lock_guard lock(mutex_);
    if (file_ == nullptr) return;
    const auto micros = env_.NowMicros();
    std::fprintf(file_, "%s.%06u ", env_.TimeToString(micros / 1'000'000).c_str(),
                 static_cast<unsigned>(micros % 1'000'000));
    std::vfprintf(file_, format, arguments);
    std::fputc('\n', file_);
    std::fflush(file_);
    std::clearerr(file_);
    if (std::ftell(file_) > kMaxBytes) begin();
  }

 private:
  void begin() {
    if (file_ != nullptr) std::fclose(file_);
    std::error_code ignored;
    std::filesystem::create_directories(directory_, ignored);
    std::filesystem::rename(directory_ + "/LOG", directory_ + "/LOG.old", ignored);
    file_ = std::fopen((directory_ + "/LOG").c_str(), "we");
  }

  const std::string directory_;
  rocksdb::Env& env_;
  std::mutex mutex_;
  std::FILE* file_ = nullptr;
};

class NoInfoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

std::shared_ptr<rocksdb::Logger> make_info_log(const std::string& directory, rocksdb::Env& env) {
  return std::make_shared<InfoLog>(directory, env);
}

std::shared_ptr<rocksdb::Logger> make_no_info_log() { return std::make_shared<NoInfoLog>(); }

}  // namespace taskledger::storage
