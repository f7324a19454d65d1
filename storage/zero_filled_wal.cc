#include "storage/zero_filled_wal.h"

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

// How much was written to each file that is open.
class Sizes {
 public:
  using Size = std::atomic<std::uint64_t>;
  std::shared_ptr<Size> open(const std::string& name) {
    auto size = std::make_shared<Size>(0);
    const std::lock_guard lock(mutex_);
    return open_[name] = std::move(size);
  }
  void close(const std::string& name, const std::shared_ptr<Size>& size) {
    const std::lock_guard lock(mutex_);
    if (const auto found = open_.find(name); found != open_.end() && found->second == size) open_.erase(found);
  }
  // Null: it is not open.
  [[nodiscard]] std::shared_ptr<Size> of(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(name);
    return found == open_.end() ? nullptr : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Size>> open_;
};

class ZeroFilledWal final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  ZeroFilledWal(std::unique_ptr<FSWritableFile> file, std::string name, std::shared_ptr<Sizes> sizes,
                std::uint64_t most)
      : FSWritableFileOwnerWrapper(std::move(file)),
        name_(std::move(name)),
        sizes_(std::move(sizes)),
        size_(sizes_->open(name_)),
        most_(most) {}
  ~ZeroFilledWal() override { sizes_->close(name_, size_); }

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const std::uint64_t at = *size_, end = at + data.size();
    if (end > filled_) fill_from(end, data.size(), options, debug);
    auto status = target()->PositionedAppend(data, at, options, debug);
    if (status.ok()) *size_ = end;
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    auto cut = filled_ > *size_ ? target()->Truncate(*size_, options, debug) : IOStatus::OK();
    auto closed = target()->Close(options, debug);
    return cut.ok() ? closed : cut;
  }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return *size_; }

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
  const std::shared_ptr<Sizes> sizes_;
  const std::shared_ptr<Sizes::Size> size_;  // where the next write goes
  const std::uint64_t most_;
  std::uint64_t filled_ = 0;  // up to here there are zeros, or bytes that were written over them
  bool no_room_ = false;
};

// Ends where the writer is.
class OpenWal final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  OpenWal(std::unique_ptr<rocksdb::FSSequentialFile> file, std::shared_ptr<Sizes::Size> size)
      : FSSequentialFileOwnerWrapper(std::move(file)), size_(std::move(size)) {}
  IOStatus Read(std::size_t bytes, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) override {
    auto status = target()->Read(std::min<std::uint64_t>(bytes, *size_ - at_), options, result, scratch, debug);
    if (status.ok()) at_ += result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t bytes) override {
    bytes = std::min<std::uint64_t>(bytes, *size_ - at_);
    at_ += bytes;
    return target()->Skip(bytes);
  }

 private:
  const std::shared_ptr<Sizes::Size> size_;
  std::uint64_t at_ = 0;
};

class ZeroFilledWals final : public rocksdb::FileSystemWrapper {
 public:
  ZeroFilledWals(const std::shared_ptr<rocksdb::FileSystem>& base, std::uint64_t most)
      : FileSystemWrapper(base), most_(most) {}
  static const char* kClassName() { return "ZeroFilledWals"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options, std::unique_ptr<FSWritableFile>* file,
                           IODebugContext* debug) override {
    auto status = target_->NewWritableFile(path, options, file, debug);
    if (status.ok() && is_numbered(path.substr(path.rfind('/') + 1), ".log"))
      *file = std::make_unique<ZeroFilledWal>(std::move(*file), path, sizes_, most_);
    return status;
  }
  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext* debug) override {
    auto open = sizes_->of(path);
    auto status = target_->NewSequentialFile(path, options, file, debug);
    if (status.ok() && open) *file = std::make_unique<OpenWal>(std::move(*file), std::move(open));
    return status;
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions& options, std::uint64_t* bytes,
                       IODebugContext* debug) override {
    if (const auto open = sizes_->of(path)) {
      *bytes = *open;
      return IOStatus::OK();
    }
    return target_->GetFileSize(path, options, bytes, debug);
  }

 private:
  const std::uint64_t most_;
  const std::shared_ptr<Sizes> sizes_ = std::make_shared<Sizes>();
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> make_zero_filled_wals(std::shared_ptr<rocksdb::FileSystem> base,
                                                           std::uint64_t most) {
  return std::make_shared<ZeroFilledWals>(base, most);
}

}  // namespace taskledger::storage
