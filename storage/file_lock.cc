#include "storage/file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace taskledger::storage {
namespace {

ReadError cannot(const char* what, const std::filesystem::path& file) {
  return {fmt::format("cannot {} {}: {}", what, file.string(), std::strerror(errno))};
}

}  // namespace

Result<FileLock, ReadError> FileLock::alone(const std::filesystem::path& file, const std::string& if_held) {
  return take(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), file, LOCK_EX, if_held);
}

Result<FileLock, ReadError> FileLock::shared(const std::filesystem::path& file, const std::string& if_held) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return FileLock(-1);
  return take(fd, file, LOCK_SH, if_held);
}

Result<FileLock, ReadError> FileLock::take(int fd, const std::filesystem::path& file, int how,
                                           const std::string& if_held) {
  if (fd < 0) return cannot("open", file);
  FileLock lock(fd);
  if (::flock(fd, how | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) return ReadError{if_held};
  return cannot("lock", file);
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

}  // namespace taskledger::storage
