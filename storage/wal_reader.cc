#include "storage/wal_reader.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "storage/wal_format.h"

namespace taskledger::storage {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class WalReader final : public rocksdb::FSSequentialFile {
 public:
  explicit WalReader(std::unique_ptr<rocksdb::FSRandomAccessFile> file) : file_(std::move(file)) {}

  IOStatus Read(std::size_t size, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) override {
    if (auto status = look_on_to(at_ + size, options, debug); !status.ok()) return status;
    const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(size, whole_ - at_));
    auto status = file_->Read(at_, there, options, result, scratch, debug);
    if (status.ok()) at_ += result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t bytes) override {
    if (auto status = look_on_to(at_ + bytes, {}, nullptr); !status.ok()) return status;
    at_ += std::min(bytes, whole_ - at_);
    return IOStatus::OK();
  }

 private:
  // Moves `whole_` on to `wanted` or past it, or as far as it goes.
  IOStatus look_on_to(std::uint64_t wanted, const IOOptions& options, IODebugContext* debug) {
    while (whole_ < wanted) {
      const std::size_t at = whole_ % wal::kBlock;
      const std::uint64_t start = whole_ - at;
      if (auto status = load(start, wal::kBlock, options, debug); !status.ok()) return status;
      const std::size_t end = whole_from(at);
      whole_ = start + end;
      if (end == wal::kBlock) continue;
      bool damaged = false;
      if (auto status = look_behind(start, end, damaged, options, debug); !status.ok()) return status;
      if (!damaged) return IOStatus::OK();
      // What follows was written after it: now it is whole, unless it will never be.
      if (auto status = load(start, wal::kBlock, options, debug); !status.ok()) return status;
      if (whole_from(end) == end) whole_ = UINT64_MAX;
    }
    return IOStatus::OK();
  }

  // Up to where fragments are whole in the block that is loaded.
  [[nodiscard]] std::size_t whole_from(std::size_t at) const {
    while (const auto fragment = wal::fragment_at(bytes_, at)) at += fragment->size;
    return bytes_.size() == wal::kBlock && wal::kBlock - at < wal::kHeader ? wal::kBlock : at;  // the block's trailer
  }

  // Whether records follow what is no whole fragment, `at` in the block that begins at `start`, and is loaded.
  IOStatus look_behind(std::uint64_t start, std::size_t at, bool& records_follow, const IOOptions& options,
                       IODebugContext* debug) {
    // Behind zeros once; later there is no more to be seen than that they are being written over.
    const bool zeros = wal::only_zeros(std::string_view(bytes_).substr(at).substr(0, wal::kHeader));
    if (zeros && looked_behind_zeros_) return IOStatus::OK();
    looked_behind_zeros_ = true;
    for (std::size_t size = wal::kBlock; bytes_.size() == size;) {
      size *= 2;
      if (auto status = load(start, size, options, debug); !status.ok()) return status;
    }
    records_follow = wal::records_from(bytes_, at + 1).any;
    return IOStatus::OK();
  }

  IOStatus load(std::uint64_t start, std::size_t size, const IOOptions& options, IODebugContext* debug) {
    bytes_.resize(size);
    Slice read;
    auto status = file_->Read(start, size, options, &read, bytes_.data(), debug);
    if (status.ok() && read.data() != bytes_.data()) std::copy_n(read.data(), read.size(), bytes_.data());
    bytes_.resize(status.ok() ? read.size() : 0);
    return status;
  }

  const std::unique_ptr<rocksdb::FSRandomAccessFile> file_;
  std::uint64_t at_ = 0;
  std::uint64_t whole_ = 0;  // up to here fragments are whole; UINT64_MAX: all is shown
  bool looked_behind_zeros_ = false;
  std::string bytes_;
};

}  // namespace

std::unique_ptr<rocksdb::FSSequentialFile> make_wal_reader(std::unique_ptr<rocksdb::FSRandomAccessFile> file) {
  return std::make_unique<WalReader>(std::move(file));
}

}  // namespace taskledger::storage
