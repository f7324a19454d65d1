#include "app/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "app/command.h"

namespace taskledger::app {
namespace {

constexpr std::size_t kPendingBytes = 256 * 1024;
constexpr int kMaxLinks = 40;  // as many as the kernel follows

// What a link leads to that is not there.
std::string behind_links(const std::string& name) {
  std::filesystem::path path = name;
  std::error_code error;
  for (int links = 0; std::filesystem::is_symlink(path, error); ++links) {
    if (links == kMaxLinks) throw Failed(name + ": " + std::strerror(ELOOP));
    path = path.parent_path() / std::filesystem::read_symlink(path, error);
  }
  return path.string();
}

}  // namespace

Output::Output(std::string path) : path_(std::move(path)) {
  if (path_.empty() || path_ == "-") {
    path_.clear();
    plain_ = stdout;
    return;
  }
  const bool gzip = path_.ends_with(".gz");
  std::error_code error;
  const bool there = std::filesystem::exists(path_, error);
  if (!there || std::filesystem::is_regular_file(path_, error)) {
    // Beside the file itself, wherever links to it are.
    path_ = there ? std::filesystem::canonical(path_, error).string() : behind_links(path_);
    unfinished_.emplace(path_);
  }
  const int file = unfinished_ ? unfinished_->open() : ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) fail();
  if (gzip) {
    gzip_ = gzdopen(file, "wb6");
  } else {
    plain_ = ::fdopen(file, "wb");
  }
  if (gzip_ != nullptr || plain_ != nullptr) return;
  const int reason = errno;
  ::close(file);
  errno = reason;
  fail();
}

Output::~Output() {
  if (gzip_ != nullptr) gzclose(gzip_);
  if (plain_ != nullptr && plain_ != stdout) std::fclose(plain_);
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
  if (unfinished_ && !unfinished_->finish()) fail();
}

}  // namespace taskledger::app
