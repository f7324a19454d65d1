#include "storage/file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "storage/files.h"

namespace taskledger::storage {
namespace {

constexpr int kTries = 100;  // of which each meets somebody who removes the file

ReadError cannot(const char* what, const std::filesystem::path& file) {
  return {fmt::format("cannot {} {}: {}", what, file.string(), std::strerror(errno))};
}

}  // namespace

Result<FileLock, ReadError> FileLock::alone(const std::filesystem::path& file, const std::string& if_held) {
  for (int tries = 0; tries < kTries; ++tries) {
    auto lock = take(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), file, LOCK_EX, if_held);
    if (!lock || lock->has_the_name()) return lock;
  }
  return ReadError{if_held};
}

Result<FileLock, ReadError> FileLock::shared(const std::filesystem::path& file, const std::string& if_held) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return FileLock(-1, file);
  return take(fd, file, LOCK_SH, if_held);
}

Result<FileLock, ReadError> FileLock::take(int fd, const std::filesystem::path& file, int how,
                                           const std::string& if_held) {
  if (fd < 0) return cannot("open", file);
  FileLock lock(fd, file);
  if (::flock(fd, how | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) return ReadError{if_held};
  return cannot("lock", file);
}

std::optional<bool> names(const std::filesystem::path& file, int fd) {
  struct stat held {};
  struct stat named {};
  if (::fstat(fd, &held) != 0) return std::nullopt;
  if (::stat(file.c_str(), &named) == 0) return held.st_dev == named.st_dev && held.st_ino == named.st_ino;
  return errno == ENOENT || errno == ENOTDIR ? std::optional(false) : std::nullopt;
}

bool FileLock::has_the_name() const { return names(file_, fd_).value_or(false); }

Result<std::string, ReadError> FileLock::text() const {
  auto text = read_small_file(file_);
  if (!text) return text.error();
  return {boost::system::in_place_value, std::move(*text).value_or("")};
}

Result<void, ReadError> FileLock::set_text(std::string_view text) const {
  if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return cannot("write", file_);
  if (::fsync(fd_) != 0) return cannot("sync", file_);
  return sync_folder_of(file_);
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)), file_(std::move(other.file_)) {}

}  // namespace taskledger::storage
