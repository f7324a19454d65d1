#include "storage/wal_writer.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "storage/files.h"

namespace taskledger::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr char kZeros[64 << 10] = {};

// A file that is open.
struct Written {
  FSWritableFile* file;
  std::atomic<std::uint64_t> size{0};    // where the next write goes
  std::atomic<std::uint64_t> synced{0};  // up to where, at least

  IOStatus sync(const IOOptions& options, IODebugContext* debug) {
    const std::uint64_t now = size;
    auto status = file->Sync(options, debug);
    if (status.ok() && now > synced) synced = now;
    return status;
  }
};

class OpenWals {
 public:
  std::shared_ptr<Written> open(const std::string& name, FSWritableFile* file) {
    auto written = std::make_shared<Written>();
    written->file = file;
    const std::lock_guard lock(mutex_);
    return open_[name] = std::move(written);
  }
  // Before the file goes.
  void close(const std::string& name, const std::shared_ptr<Written>& written) {
    const std::lock_guard lock(mutex_);
    if (const auto found = open_.find(name); found != open_.end() && found->second == written) open_.erase(found);
  }
  // Null: it is not open.
  [[nodiscard]] std::shared_ptr<Written> of(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(name);
    return found == open_.end() ? nullptr : found->second;
  }
  IOStatus sync(IODebugContext* debug) {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, written] : open_) {
      if (written->synced == written->size) continue;
      if (auto status = written->sync(IOOptions(), debug); !status.ok()) return status;
    }
    return IOStatus::OK();
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Written>> open_;
};

class WalWriter final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WalWriter(std::unique_ptr<FSWritableFile> file, std::string name, std::shared_ptr<OpenWals> wals, std::uint64_t most)
      : FSWritableFileOwnerWrapper(std::move(file)),
        name_(std::move(name)),
        wals_(std::move(wals)),
        written_(wals_->open(name_, target())),
        most_(most) {}
  ~WalWriter() override { wals_->close(name_, written_); }

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const std::uint64_t at = written_->size, end = at + data.size();
    if (end > filled_) fill_from(end, data.size(), options, debug);
    auto status = target()->PositionedAppend(data, at, options, debug);
    if (status.ok()) written_->size = end;
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override { return written_->sync(options, debug); }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    wals_->close(name_, written_);
    auto cut = filled_ > written_->size ? target()->Truncate(written_->size, options, debug) : IOStatus::OK();
    auto closed = target()->Close(options, debug);
    return cut.ok() ? closed : cut;
  }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return written_->size; }

 private:
  // A write that is large itself gains nothing by more zeros. Where they find no room, what is left is for data.
  void fill_from(std::uint64_t end, std::size_t written, const IOOptions& options, IODebugContext* debug) {
    const auto wanted = std::clamp<std::uint64_t>(end, std::min(sizeof kZeros, most_), most_);
    if (no_room_ || written > wanted / 4) return;
    for (std::uint64_t at = end, to = end + wanted; at < to; at = filled_) {
      const Slice zeros(kZeros, std::min(sizeof kZeros, to - at));
      no_room_ = !target()->PositionedAppend(zeros, at, options, debug).ok();
      if (no_room_) return;
      filled_ = at + zeros.size();
    }
  }

  const std::string name_;
  const std::shared_ptr<OpenWals> wals_;
  const std::shared_ptr<Written> written_;
  const std::uint64_t most_;
  std::uint64_t filled_ = 0;  // up to here there are zeros, or bytes that were written over them
  bool no_room_ = false;
};

// Ends where the writer is.
class OpenWal final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  OpenWal(std::unique_ptr<rocksdb::FSSequentialFile> file, std::shared_ptr<Written> written)
      : FSSequentialFileOwnerWrapper(std::move(file)), written_(std::move(written)) {}
  IOStatus Read(std::size_t bytes, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) override {
    auto status = target()->Read(std::min<std::uint64_t>(bytes, written_->size - at_), options, result, scratch, debug);
    if (status.ok()) at_ += result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t bytes) override {
    bytes = std::min<std::uint64_t>(bytes, written_->size - at_);
    at_ += bytes;
    return target()->Skip(bytes);
  }

 private:
  const std::shared_ptr<Written> written_;
  std::uint64_t at_ = 0;
};

class WalWritingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  WalWritingFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base, std::uint64_t most)
      : FileSystemWrapper(base), most_(most) {}
  static const char* kClassName() { return "WalWritingFileSystem"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options, std::unique_ptr<FSWritableFile>* file,
                           IODebugContext* debug) override {
    if (!is_numbered(path.substr(path.rfind('/') + 1), ".log"))
      return target_->NewWritableFile(path, options, file, debug);
    if (auto synced = wals_->sync(debug); !synced.ok()) return synced;
    auto status = target_->NewWritableFile(path, options, file, debug);
    if (status.ok()) *file = std::make_unique<WalWriter>(std::move(*file), path, wals_, most_);
    return status;
  }
  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext* debug) override {
    auto open = wals_->of(path);
    auto status = target_->NewSequentialFile(path, options, file, debug);
    if (status.ok() && open) *file = std::make_unique<OpenWal>(std::move(*file), std::move(open));
    return status;
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions& options, std::uint64_t* bytes,
                       IODebugContext* debug) override {
    if (const auto open = wals_->of(path)) {
      *bytes = open->size;
      return IOStatus::OK();
    }
    return target_->GetFileSize(path, options, bytes, debug);
  }

 private:
  const std::uint64_t most_;
  const std::shared_ptr<OpenWals> wals_ = std::make_shared<OpenWals>();
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> make_wal_writing_file_system(std::shared_ptr<rocksdb::FileSystem> base,
                                                                  std::uint64_t most) {
  return std::make_shared<WalWritingFileSystem>(base, most);
}

}  // namespace taskledger::storage
