#include "storage/held_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <thread>
#include <utility>

#include "storage/files.h"
#include "storage/wal_reader.h"

namespace taskledger::storage {
namespace {

namespace fs = std::filesystem;
using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr int kAttempts = 1000, kSameFindings = 5;
constexpr std::chrono::milliseconds kBetweenAttempts{2};
constexpr std::string_view kCurrent = "CURRENT";

bool is_table(std::string_view name) { return is_numbered(name, ".sst"); }
bool is_wal(std::string_view name) { return is_numbered(name, ".log"); }

// A file that is open, read by its descriptor: whatever has its name by now.
class Opened {
 public:
  Opened(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~Opened() {
    if (fd_ >= 0) ::close(fd_);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  [[nodiscard]] bool ok() const { return fd_ >= 0; }
  IOStatus read(std::uint64_t offset, std::size_t size, rocksdb::Slice* result, char* scratch) const {
    std::size_t have = 0;
    while (have < size) {
      const ssize_t got = ::pread(fd_, scratch + have, size - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return IOStatus::IOError(path_, std::strerror(errno));
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    *result = {scratch, have};
    return IOStatus::OK();
  }

 private:
  const std::string path_;
  const int fd_;
};

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  SequentialFile(std::string path, int fd, std::uint64_t end) : file_(std::move(path), fd), end_(end) {}
  [[nodiscard]] bool ok() const { return file_.ok(); }
  IOStatus Read(std::size_t size, const IOOptions&, rocksdb::Slice* result, char* scratch, IODebugContext*) override {
    auto status = file_.read(at_, static_cast<std::size_t>(std::min<std::uint64_t>(size, end_ - at_)), result, scratch);
    if (status.ok()) at_ += result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t bytes) override {
    at_ += std::min(bytes, end_ - at_);
    return IOStatus::OK();
  }

 private:
  const Opened file_;
  const std::uint64_t end_;
  std::uint64_t at_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  RandomAccessFile(std::string path, int fd) : file_(std::move(path), fd) {}
  [[nodiscard]] bool ok() const { return file_.ok(); }
  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions&, rocksdb::Slice* result, char* scratch,
                IODebugContext*) const override {
    return file_.read(offset, size, result, scratch);
  }

 private:
  const Opened file_;
};

}  // namespace

class HeldFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit HeldFileSystem(fs::path folder)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), folder_(std::move(folder)) {}
  ~HeldFileSystem() override {
    for (const auto& [name, file] : files_) close(file);
  }
  static const char* kClassName() { return "HeldFileSystem"; }
  const char* Name() const override { return kClassName(); }

  // errno where it cannot be opened, 0 else.
  int hold(const std::string& name) {
    Held held{::open((folder_ / name).c_str(), O_RDONLY | O_CLOEXEC), 0};
    if (held.fd < 0) return errno;
    held.bytes = size_of(held.fd);
    if (!files_.emplace(name, held).second) close(held);  // a listing may name one twice
    return 0;
  }
  void let_go_of_tables() {
    for (auto& [name, file] : files_) {
      if (is_table(name)) close(file), file.fd = -1;
    }
  }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext* debug) override {
    const auto* const held = find(path);
    if (held == nullptr) return target_->NewSequentialFile(path, options, file, debug);
    if (is_wal(name_of(path))) {
      auto opened = std::make_unique<RandomAccessFile>(path, duplicate(*held));
      if (!opened->ok()) return IOStatus::IOError(path, std::strerror(errno));
      *file = make_wal_reader(std::move(opened));
      return IOStatus::OK();
    }
    auto opened = std::make_unique<SequentialFile>(path, duplicate(*held), held->bytes);
    if (!opened->ok()) return IOStatus::IOError(path, std::strerror(errno));
    *file = std::move(opened);
    return IOStatus::OK();
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file, IODebugContext* debug) override {
    const auto* const held = find(path);
    if (held == nullptr) return target_->NewRandomAccessFile(path, options, file, debug);
    auto opened = std::make_unique<RandomAccessFile>(path, duplicate(*held));
    if (!opened->ok()) return IOStatus::IOError(path, std::strerror(errno));
    *file = std::move(opened);
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& path, const IOOptions& options, IODebugContext* debug) override {
    return find(path) != nullptr ? IOStatus::OK() : target_->FileExists(path, options, debug);
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions& options, std::uint64_t* bytes,
                       IODebugContext* debug) override {
    const auto* const held = find(path);
    if (held == nullptr) return target_->GetFileSize(path, options, bytes, debug);
    *bytes = is_wal(name_of(path)) ? size_of(held->fd) : held->bytes;
    return IOStatus::OK();
  }
  IOStatus GetChildren(const std::string& path, const IOOptions& options, std::vector<std::string>* names,
                       IODebugContext* debug) override {
    if (fs::path(path) != folder_) return target_->GetChildren(path, options, names, debug);
    names->clear();
    for (const auto& [name, file] : files_) names->push_back(name);
    return IOStatus::OK();
  }

 private:
  struct Held {
    int fd = -1;
    std::uint64_t bytes = 0;  // at the instant
  };
  static void close(const Held& file) {
    if (file.fd >= 0) ::close(file.fd);
  }
  static std::string name_of(const fs::path& path) { return path.filename(); }
  static int duplicate(const Held& file) { return ::fcntl(file.fd, F_DUPFD_CLOEXEC, 0); }
  static std::uint64_t size_of(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  }
  const Held* find(const fs::path& path) const {
    if (path.parent_path() != folder_) return nullptr;
    const auto found = files_.find(name_of(path));
    return found == files_.end() || found->second.fd < 0 ? nullptr : &found->second;
  }
  const fs::path folder_;
  std::map<std::string, Held> files_;
};

HeldFiles::~HeldFiles() = default;

Result<HeldFiles::Set, ReadError> HeldFiles::set_of(const fs::path& log) {
  Set set;
  const auto current = read_small_file(log / kCurrent);
  if (!current) return current.error();
  set.manifest = current->value_or("");
  set.manifest.resize(std::min(set.manifest.size(), set.manifest.find('\n')));
  std::error_code error;
  struct stat status {};
  if (!set.manifest.empty() && ::stat((log / set.manifest).c_str(), &status) == 0) {
    set.manifest_file = status.st_ino;
    set.manifest_bytes = static_cast<std::uint64_t>(status.st_size);
  }
  for (auto file = fs::directory_iterator(log, error); !error && file != end(file); file.increment(error)) {
    if (std::string name = file->path().filename(); is_wal(name)) set.wals.push_back(std::move(name));
  }
  std::sort(set.wals.begin(), set.wals.end());
  if (error) return ReadError{fmt::format("cannot read {}: {}", log.string(), error.message())};
  return set;
}

Result<std::unique_ptr<HeldFiles>, ReadError> HeldFiles::of(const fs::path& log) {
  const std::string changing = fmt::format("{}: its files change all the time: try again", log.string());
  std::string finding = changing;
  for (int attempt = 1, same = 0; attempt <= kAttempts && same < kSameFindings; ++attempt) {
    if (attempt > 1) std::this_thread::sleep_for(kBetweenAttempts);
    auto set = set_of(log);
    if (!set) return set.error();
    auto files = std::make_shared<HeldFileSystem>(log);
    int failed = 0;
    const auto hold = [&](const std::string& name) {
      if (failed != 0) return;
      failed = files->hold(name);
      if (failed == 0) return;
      const auto before =
          std::exchange(finding, fmt::format("cannot open {}: {}", (log / name).string(), std::strerror(failed)));
      same = finding == before ? same + 1 : 1;
    };
    hold(std::string(kCurrent));
    if (!set->manifest.empty()) hold(set->manifest);
    std::error_code error;
    for (auto file = fs::directory_iterator(log, error); !error && file != end(file); file.increment(error)) {
      const std::string name = file->path().filename();
      if (is_table(name) || is_wal(name)) hold(name);
    }
    if (failed != 0 && failed != ENOENT) return ReadError{finding};
    const auto after = set_of(log);
    if (!after) return after.error();
    if (failed != 0) continue;
    if (error || *after != *set) {
      finding = changing;
      same = 0;
      continue;
    }
    std::unique_ptr<HeldFiles> held(new HeldFiles);
    held->log_ = log;
    held->set_ = *std::move(set);
    held->files_ = std::move(files);
    held->env_ = rocksdb::NewCompositeEnv(held->files_);
    return held;
  }
  return ReadError{finding};
}

void HeldFiles::let_go_of_tables() { files_->let_go_of_tables(); }

bool HeldFiles::are_those_of_the_writer() const {
  const auto now = set_of(log_);
  return now && *now == set_;
}

}  // namespace taskledger::storage
