#include "app/output.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "app/command.h"

namespace taskledger::app {
namespace {
constexpr std::size_t kPendingBytes = 256 * 1024;
}

Output::Output(std::string path) : path_(std::move(path)) {
  if (path_.empty() || path_ == "-") {
    path_.clear();
    plain_ = stdout;
    return;
  }
  const bool gzip = path_.ends_with(".gz");
  std::error_code error;
  const bool there = std::filesystem::exists(path_, error);
  std::string target = path_;
  if (!there || std::filesystem::is_regular_file(path_, error)) {
    // Beside the file itself, wherever links to it are.
    if (there) path_ = std::filesystem::canonical(path_, error).string();
    target = partial_path_ = path_ + ".part";
  }
  if (gzip) {
    gzip_ = gzopen(target.c_str(), "wb6");
  } else {
    plain_ = std::fopen(target.c_str(), "wb");
  }
  if (gzip_ == nullptr && plain_ == nullptr) fail();
}

Output::~Output() {
  if (gzip_ != nullptr) gzclose(gzip_);
  if (plain_ != nullptr && plain_ != stdout) std::fclose(plain_);
  if (!partial_path_.empty()) std::remove(partial_path_.c_str());
}

void Output::fail() const {
  throw Failed((path_.empty() ? std::string("stdout") : path_) + ": " + std::strerror(errno));
}

void Output::write(std::string_view text) {
  pending_ += text;
  if (pending_.size() >= kPendingBytes) flush();
}

void Output::flush() {
  if (pending_.empty()) return;
  const bool written = gzip_ != nullptr ? gzwrite(gzip_, pending_.data(), static_cast<unsigned>(pending_.size())) > 0
                                        : std::fwrite(pending_.data(), 1, pending_.size(), plain_) == pending_.size();
  if (!written) fail();
  pending_.clear();
}

void Output::finish() {
  flush();
  if (path_.empty()) {
    if (std::fflush(stdout) != 0) fail();
    return;
  }
  const bool closed = gzip_ != nullptr ? gzclose(std::exchange(gzip_, nullptr)) == Z_OK
                                       : std::fclose(std::exchange(plain_, nullptr)) == 0;
  if (!closed) fail();
  if (!partial_path_.empty() && std::rename(partial_path_.c_str(), path_.c_str()) != 0) fail();
  partial_path_.clear();
}

}  // namespace taskledger::app
