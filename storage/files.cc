#include "storage/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace taskledger::storage {
namespace {

ReadError failed(const std::filesystem::path& path, const char* what) {
  return {fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno))};
}

struct File {
  int fd = -1;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

Result<void, ReadError> write_all(int fd, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(path, "cannot write");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return failed(path, "cannot sync");
  return {};
}

Result<void, ReadError> sync_folder_of(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  File directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.fd < 0 || ::fsync(directory.fd) != 0) return failed(folder, "cannot sync");
  return {};
}

}  // namespace

Result<void, ReadError> write_file_atomically(const std::filesystem::path& path, std::string_view text, unsigned mode) {
  auto temporary = path;
  temporary += ".new";
  {
    File file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
    if (file.fd < 0) return failed(temporary, "cannot create");
    if (auto written = write_all(file.fd, text, temporary); !written) return written;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failed(path, "cannot replace");
  return sync_folder_of(path);
}

Result<void, ReadError> append_lines(const std::filesystem::path& path, std::string_view lines) {
  File file{::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  if (file.fd < 0) return failed(path, "cannot open");
  const auto size = ::lseek(file.fd, 0, SEEK_END);
  char last = '\n';
  if (size < 0 || (size > 0 && ::pread(file.fd, &last, 1, size - 1) != 1)) return failed(path, "cannot read");
  if (last != '\n') {
    if (auto ended = write_all(file.fd, "\n", path); !ended) return ended;
  }
  if (auto written = write_all(file.fd, lines, path); !written) return written;
  return sync_folder_of(path);
}

Result<std::optional<std::string>, ReadError> read_small_file(const std::filesystem::path& path) {
  File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0 && errno == ENOENT) return std::optional<std::string>{};
  if (file.fd < 0) return failed(path, "cannot open");
  std::string text(64 << 10, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::read(file.fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path, "cannot read");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return std::optional<std::string>(std::move(text));
}

}  // namespace taskledger::storage
