#include "storage/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "storage/backup.h"
#include "storage/file_lock.h"
#include "storage/files.h"

namespace taskledger::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormatText = "taskledger data format ";

// What `path` is. That somebody may not look is not that there is nothing.
Result<fs::file_type, ReadError> type_of(const fs::path& path) {
  std::error_code error;
  const auto type = fs::status(path, error).type();
  if (type != fs::file_type::none) return type;
  return ReadError{fmt::format("cannot read {}: {}", path.string(), error.message())};
}

}  // namespace

Result<void, ReadError> check_format(std::string_view text, const std::filesystem::path& file, const std::string& of) {
  unsigned version = 0;
  if (text.starts_with(kFormatText))
    std::from_chars(text.data() + kFormatText.size(), text.data() + text.size(), version);
  if (version == 0) return ReadError{fmt::format("{} is damaged: it names no data format", file.string())};
  if (version <= kDataFormat) return {};
  return ReadError{
      fmt::format("{} has format {}, this program reads up to {}: use a newer taskledger", of, version, kDataFormat)};
}

Result<std::optional<SecretKey>, ReadError> read_secret_key(const std::filesystem::path& file) {
  auto text = read_small_file(file);
  if (!text) return text.error();
  if (!*text) return std::optional<SecretKey>{};
  SecretKey key{};
  if ((*text)->size() != key.size())
    return ReadError{fmt::format("{} must hold {} bytes, not {}", file.string(), key.size(), (*text)->size())};
  std::memcpy(key.data(), (*text)->data(), key.size());
  if (key == SecretKey{})  // as a file is whose bytes never got to the disk; anybody could sign with it
    return ReadError{fmt::format("{} is damaged: it holds zeros and no key", file.string())};
  return std::optional(key);
}

Result<std::unique_ptr<DataDirectory>, ReadError> DataDirectory::open(const std::filesystem::path& directory,
                                                                      const Options& options) {
  std::unique_ptr<DataDirectory> opened(new DataDirectory);
  std::error_code error;
  opened->path_ = std::filesystem::absolute(directory, error);
  opened->access_ = options.access;
  const auto& path = opened->path_;
  if (options.access == Access::exclusive && !options.existing) {
    auto made = make_directory(path);
    if (!made) return made.error();
    opened->made_ = *std::move(made);
  }
  const auto type = type_of(path);
  if (!type) return type.error();
  if (*type == fs::file_type::not_found)
    return ReadError{fmt::format("data directory {} does not exist", path.string())};
  if (*type != fs::file_type::directory) return ReadError{path.string() + " is a file, not a data directory"};
  const auto format = type_of(path / "format");
  if (!format) return format.error();
  if (options.existing && *format == fs::file_type::not_found && !fs::exists(path / kRestoringFile, error))
    return ReadError{fmt::format("{} is no data directory: its file 'format' is missing", path.string())};
  if (options.access == Access::exclusive) {
    if (auto locked = opened->lock(); !locked) return locked.error();
  }
  if (!options.restoring && std::filesystem::exists(path / kRestoringFile, error)) {
    return ReadError{fmt::format("a restore into {} did not end: restore into it again", path.string())};
  }
  if (auto checked = opened->check_or_write_format(); !checked) return checked.error();
  if (options.restoring) return opened;
  if (auto loaded = opened->load_key(options); !loaded) return loaded.error();
  return opened;
}

void DataDirectory::discard() {
  if (!is_new_) return;
  std::error_code ignored;
  fs::remove_all(log(), ignored);
  fs::remove(path_ / "format", ignored);
  if (made_lock_) fs::remove(path_ / "lock", ignored);
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder) fs::remove(*folder, ignored);
}

DataDirectory::~DataDirectory() {
  if (lock_file_ >= 0) ::close(lock_file_);  // releases the lock; the file stays
}

bool DataDirectory::is_in_place() const { return names(path_ / "lock", lock_file_).value_or(true); }

Result<void, ReadError> DataDirectory::lock() {
  const auto file = path_ / "lock";
  std::error_code error;
  made_lock_ = !fs::exists(file, error);
  lock_file_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_file_ < 0) return ReadError{fmt::format("cannot open {}: {}", file.string(), std::strerror(errno))};
  if (::flock(lock_file_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ReadError{fmt::format("cannot lock {}: {}", file.string(), std::strerror(errno))};
    auto text = read_small_file(file);
    std::string pid = text && *text ? **text : std::string();
    while (!pid.empty() && pid.back() == '\n') pid.pop_back();
    ::close(lock_file_);
    lock_file_ = -1;
    return ReadError{
        fmt::format("data directory {} is in use by process {}", path_.string(), pid.empty() ? "(unknown)" : pid)};
  }
  if (!is_in_place()) return ReadError{fmt::format("{} was replaced while it was opened: try again", file.string())};
  const auto pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock_file_, 0) != 0 || ::pwrite(lock_file_, pid.data(), pid.size(), 0) < 0) {
    return ReadError{fmt::format("cannot write {}: {}", file.string(), std::strerror(errno))};
  }
  return {};
}

Result<void, ReadError> DataDirectory::check_or_write_format() {
  const auto file = path_ / "format";
  auto text = read_small_file(file);
  if (!text) return text.error();
  if (!*text) {
    std::error_code error;
    is_new_ = access_ == Access::exclusive && fs::status(log(), error).type() == fs::file_type::not_found;
    if (access_ == Access::reader || fs::exists(log() / "CURRENT")) {
      return ReadError{fmt::format("{} is no data directory: its file 'format' is missing", path_.string())};
    }
    return write_file_atomically(file, fmt::format("{}{}\n", kFormatText, kDataFormat));
  }
  return check_format(**text, file, "data directory " + path_.string());
}

Result<void, ReadError> DataDirectory::load_key(const Options& options) {
  const auto file = options.key_file.empty() ? path_ / "secret.key" : options.key_file;
  // Not there, or not for this reader; one that is named must be both.
  if (access_ == Access::reader && options.key_file.empty() && ::access(file.c_str(), R_OK) != 0) return {};
  auto key = read_secret_key(file);
  if (!key) return key.error();
  if (!*key && !options.random) {
    if (options.key_file.empty()) return {};  // the server keeps its key elsewhere, or has not run yet
    return ReadError{fmt::format("{}: there is no such key file", file.string())};
  }
  if (!*key) {
    options.random(secret_key_);
    return write_file_atomically(file, {reinterpret_cast<const char*>(secret_key_.data()), secret_key_.size()}, 0600);
  }
  secret_key_ = **key;
  return {};
}

}  // namespace taskledger::storage
