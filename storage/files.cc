#include "storage/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

// Where the last line begins that has no end; the size of the file when it has.
Result<off_t, ReadError> end_of_lines(int fd, off_t size, const std::filesystem::path& path) {
  char block[4096];
  for (off_t end = size; end > 0;) {
    const off_t begin = std::max(off_t{0}, end - static_cast<off_t>(sizeof(block)));
    if (::pread(fd, block, static_cast<std::size_t>(end - begin), begin) != end - begin)
      return failed(path, "cannot read");
    while (end > begin) {
      if (block[end - begin - 1] == '\n') return end;
      --end;
    }
  }
  return off_t{0};
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

Result<void, ReadError> append_lines(const std::filesystem::path& path, std::string_view lines,
                                     const std::function<bool(const std::string&)>& is_whole) {
  File file{::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  if (file.fd < 0) return failed(path, "cannot open");
  const auto size = ::lseek(file.fd, 0, SEEK_END);
  if (size < 0) return failed(path, "cannot read");
  const auto end = end_of_lines(file.fd, size, path);
  if (!end) return end.error();
  if (*end < size) {
    std::string last(static_cast<std::size_t>(size - *end), '\0');
    if (::pread(file.fd, last.data(), last.size(), *end) != size - *end) return failed(path, "cannot read");
    if (is_whole(last)) {
      if (auto ended = write_all(file.fd, "\n", path); !ended) return ended;
    } else if (::ftruncate(file.fd, *end) != 0) {
      return failed(path, "cannot write");
    }
  }
  if (auto written = write_all(file.fd, lines, path); !written) return written;
  return sync_folder_of(path);
}

Result<std::vector<std::filesystem::path>, ReadError> make_directory(const std::filesystem::path& given) {
  std::vector<std::filesystem::path> missing, made;
  std::error_code error;
  // Innermost first; a path that ends with a slash has no name at its end.
  for (auto path = given.has_filename() ? given : given.parent_path();
       !path.empty() && std::filesystem::status(path, error).type() == std::filesystem::file_type::not_found;
       path = path.parent_path()) {
    missing.insert(missing.begin(), path);
  }
  for (const auto& path : missing) {
    if (::mkdir(path.c_str(), &path == &missing.back() ? 0700 : 0777) == 0) {
      made.push_back(path);
    } else if (errno != EEXIST) {
      return failed(path, "cannot make");
    }
    if (auto synced = sync_folder_of(path); !synced) return synced.error();
  }
  return made;
}

Result<void, ReadError> sync_folder_of(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  File directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.fd < 0 || ::fsync(directory.fd) != 0) return failed(folder, "cannot sync");
  return {};
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

bool is_numbered(std::string_view name, std::string_view ending) {
  return name.size() > ending.size() && name.ends_with(ending) &&
         name.find_first_not_of("0123456789") == name.size() - ending.size();
}

}  // namespace taskledger::storage
