#include "tests/faults/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace taskledger::faults {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus failure(Fault fault) {
  if (fault == Fault::no_space) return IOStatus::NoSpace("injected: no space left on device");
  return IOStatus::IOError(fault == Fault::power_cut ? "injected: power cut" : "injected: disk error");
}

std::string bytes_of(const std::string& name, std::uint64_t at, std::uint64_t end) {
  std::string bytes(end - at, '\0');
  std::ifstream file(name, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at)).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

class FaultFile : public rocksdb::FSWritableFileWrapper {
 public:
  FaultFile(FaultFileSystem& system, std::string name, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileWrapper(file.get()), system_(system), name_(std::move(name)), file_(std::move(file)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const Fault fault = system_.next_operation(false);
    if (fault == Fault::short_write) (void)write(Slice(data.data(), data.size() / 2), options, debug);
    if (fault != Fault::none) return failure(fault);
    return write(data, options, debug);
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus PositionedAppend(const Slice& data, std::uint64_t at, const IOOptions& options,
                            IODebugContext* debug) override {
    const Fault fault = system_.next_operation(false);
    // Nothing is lost where zeros that are filled in ahead are not written: it shall meet the data.
    const bool zeros = std::all_of(data.data(), data.data() + data.size(), [](char byte) { return byte == 0; });
    if (zeros && (fault == Fault::write_error || fault == Fault::short_write)) system_.plan(fault, 1);
    if (fault == Fault::short_write) (void)write_at(Slice(data.data(), data.size() / 2), at, options, debug);
    if (fault != Fault::none) return failure(fault);
    return write_at(data, at, options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    if (system_.cut()) return failure(Fault::power_cut);
    const IOStatus status = target()->Truncate(size, options, debug);
    if (status.ok()) system_.truncated(name_, size_ = size);
    return status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    if (const Fault fault = system_.next_operation(true); fault != Fault::none) return failure(fault);
    // The data reached the page cache by Append; nothing here needs the real disk.
    const IOStatus status = target()->Flush(options, debug);
    if (status.ok()) system_.synced(name_);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus Allocate(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  void PrepareWrite(std::size_t, std::size_t, const IOOptions&, IODebugContext*) override {}

 private:
  IOStatus write(const Slice& data, const IOOptions& options, IODebugContext* debug) {
    IOStatus status = target()->Append(data, options, debug);
    if (status.ok()) status = target()->Flush(options, debug);
    size_ += data.size();
    system_.wrote(name_, size_);
    return status;
  }
  IOStatus write_at(const Slice& data, std::uint64_t at, const IOOptions& options, IODebugContext* debug) {
    const std::uint64_t end = at + data.size();
    if (at < size_) system_.writes_over(name_, at, bytes_of(name_, at, std::min(end, size_)));
    const IOStatus status = target()->PositionedAppend(data, at, options, debug);
    size_ = std::max(size_, end);
    system_.wrote(name_, size_);
    return status;
  }
  FaultFileSystem& system_;
  std::string name_;
  std::unique_ptr<rocksdb::FSWritableFile> file_;
  std::uint64_t size_ = 0;
};

class FaultReader : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  FaultReader(FaultFileSystem& system, std::unique_ptr<rocksdb::FSRandomAccessFile> file)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), system_(system) {}
  IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) const override {
    const IOStatus status = target()->Read(offset, n, options, result, scratch, debug);
    if (status.ok() && result->size() > 0) damage(*result, scratch);
    return status;
  }
  IOStatus MultiRead(rocksdb::FSReadRequest* requests, std::size_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    const IOStatus status = target()->MultiRead(requests, count, options, debug);
    for (std::size_t i = 0; status.ok() && i < count; ++i)
      if (requests[i].status.ok() && requests[i].result.size() > 0) damage(requests[i].result, requests[i].scratch);
    return status;
  }

 private:
  void damage(Slice& result, char* scratch) const {
    if (result.data() == scratch) system_.flip(scratch, result.size());
  }
  FaultFileSystem& system_;
};

class FaultDirectory : public rocksdb::FSDirectoryWrapper {
 public:
  FaultDirectory(FaultFileSystem& system, std::string name, std::unique_ptr<rocksdb::FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), system_(system), name_(std::move(name)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    if (const Fault fault = system_.next_operation(true); fault != Fault::none) return failure(fault);
    system_.directory_synced(name_);
    return IOStatus::OK();
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  FaultFileSystem& system_;
  std::string name_;
};

std::string contents(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

FaultFileSystem::FaultFileSystem(std::uint64_t seed) : FileSystemWrapper(FileSystem::Default()), random_(seed) {}

std::string FaultFileSystem::folder_of(const std::string& name) {
  return std::filesystem::path(name).parent_path().lexically_normal().string();
}

void FaultFileSystem::plan(Fault fault, std::uint64_t nth) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  at_ = operations_ + nth;
}

void FaultFileSystem::clear() {
  const std::lock_guard lock(mutex_);
  fault_ = Fault::none, full_ = false, cut_ = false, flip_probability_ = 0;
}

void FaultFileSystem::flip_reads(double probability) {
  const std::lock_guard lock(mutex_);
  flip_probability_ = probability;
}

Fault FaultFileSystem::next_operation(bool is_sync) {
  const std::lock_guard lock(mutex_);
  if (cut_) return Fault::power_cut;
  ++operations_;
  if (full_) return is_sync ? Fault::none : Fault::no_space;
  if (fault_ == Fault::none || operations_ < at_) return Fault::none;
  const Fault fault = fault_;
  if ((fault == Fault::sync_error) != is_sync && fault != Fault::power_cut) return Fault::none;  // waits for its kind
  if (fault == Fault::power_cut) cut_ = true;
  if (fault == Fault::no_space) full_ = true;
  fault_ = Fault::none;
  return fault;
}

void FaultFileSystem::wrote(const std::string& name, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  files_[name].size = size;
}

void FaultFileSystem::synced(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& file = files_[name];
  file.synced = file.size;
  file.overwritten.clear();
}

void FaultFileSystem::writes_over(const std::string& name, std::uint64_t at, std::string before) {
  const std::lock_guard lock(mutex_);
  files_[name].overwritten.push_back({at, std::move(before)});
}

// As if it were synced: what comes back else is zeros.
void FaultFileSystem::truncated(const std::string& name, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  auto& file = files_[name];
  file.size = size;
  file.synced = std::min(file.synced, size);
}

void FaultFileSystem::directory_synced(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const std::string folder = std::filesystem::path(name).lexically_normal().string();
  const auto is_here = [&](const std::string& file) {
    return folder_of(file) == folder || folder_of(file) + "/" == folder;
  };
  for (auto& [file, state] : files_)
    if (is_here(file)) state.entry_synced = true;
  std::erase_if(renames_, [&](const Renamed& renamed) { return is_here(renamed.to); });
}

bool FaultFileSystem::flip(char* data, std::size_t size) {
  const std::lock_guard lock(mutex_);
  if (flip_probability_ <= 0 || std::uniform_real_distribution<>()(random_) >= flip_probability_) return false;
  data[random_() % size] ^= char(1 << (random_() % 8));
  ++flipped_;
  return true;
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  if (const Fault fault = next_operation(false); fault != Fault::none) return failure(fault);
  std::unique_ptr<rocksdb::FSWritableFile> real;
  const IOStatus status = target()->NewWritableFile(name, options, &real, debug);
  if (!status.ok()) return status;
  {
    const std::lock_guard lock(mutex_);
    files_[name] = {};
  }
  *file = std::make_unique<FaultFile>(*this, name, std::move(real));
  return status;
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string&, const rocksdb::FileOptions&,
                                             std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) {
  return IOStatus::NotSupported("FaultFileSystem: files are not reopened");
}
IOStatus FaultFileSystem::ReuseWritableFile(const std::string&, const std::string&, const rocksdb::FileOptions&,
                                            std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) {
  return IOStatus::NotSupported("FaultFileSystem: files are not recycled");
}

IOStatus FaultFileSystem::NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                                              std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                              IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSRandomAccessFile> real;
  const IOStatus status = target()->NewRandomAccessFile(name, options, &real, debug);
  if (status.ok()) *file = std::make_unique<FaultReader>(*this, std::move(real));
  return status;
}

IOStatus FaultFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* directory, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> real;
  const IOStatus status = target()->NewDirectory(name, options, &real, debug);
  if (status.ok()) *directory = std::make_unique<FaultDirectory>(*this, name, std::move(real));
  return status;
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                     IODebugContext* debug) {
  if (const Fault fault = next_operation(false); fault != Fault::none) return failure(fault);
  Renamed renamed{from, to, std::nullopt};
  if (std::filesystem::exists(to)) renamed.replaced = contents(to);
  const IOStatus status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  if (const auto at = files_.find(from); at != files_.end()) {
    files_[to] = at->second;
    files_.erase(at);
  }
  renames_.push_back(std::move(renamed));
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  if (cut_) return failure(Fault::power_cut);
  const IOStatus status = target()->DeleteFile(name, options, debug);
  const std::lock_guard lock(mutex_);
  files_.erase(name);
  return status;
}

IOStatus FaultFileSystem::LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                                   IODebugContext* debug) {
  if (const Fault fault = next_operation(false); fault != Fault::none) return failure(fault);
  const IOStatus status = target()->LinkFile(from, to, options, debug);
  const std::lock_guard lock(mutex_);
  if (const auto at = files_.find(from); status.ok() && at != files_.end()) {
    files_[to] = at->second;
    files_[to].entry_synced = false;
  }
  return status;
}

// Each sector is as it was when the file was synced, or as it was written some time since.
void FaultFileSystem::undo_some(const std::string& name, const std::vector<Overwritten>& overwritten) {
  const std::uint64_t sector = random_() % 2 ? 4096 : 512;
  std::map<std::uint64_t, bool> undone;  // until the writes before stay
  std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
  for (auto over = overwritten.rbegin(); over != overwritten.rend(); ++over) {
    const std::uint64_t end = over->at + over->before.size();
    for (std::uint64_t at = over->at, next = 0; at < end; at = next) {
      next = std::min(end, (at / sector + 1) * sector);
      const auto [found, added] = undone.try_emplace(at / sector, false);
      found->second = added ? random_() % 2 != 0 : found->second && random_() % 4 != 0;
      if (!found->second) continue;
      file.seekp(static_cast<std::streamoff>(at))
          .write(over->before.data() + (at - over->at), static_cast<std::streamsize>(next - at));
    }
  }
}

void FaultFileSystem::drop_unsynced() {
  const std::lock_guard lock(mutex_);
  std::error_code ignored;
  for (auto renamed = renames_.rbegin(); renamed != renames_.rend(); ++renamed) {
    if (random_() % 2) continue;  // the directory happened to reach the disk
    std::filesystem::rename(renamed->to, renamed->from, ignored);
    if (renamed->replaced) std::ofstream(renamed->to, std::ios::binary) << *renamed->replaced;
    if (const auto at = files_.find(renamed->to); at != files_.end()) {
      files_[renamed->from] = at->second;
      files_.erase(at);
    }
  }
  for (const auto& [name, state] : files_) {
    if (!std::filesystem::exists(name, ignored)) continue;
    if (!state.entry_synced && state.synced == 0 && random_() % 2) {
      std::filesystem::remove(name, ignored);
      continue;
    }
    if (!state.overwritten.empty() && random_() % 8) undo_some(name, state.overwritten);
    const std::uint64_t unsynced = state.size - state.synced;
    if (unsynced == 0) continue;
    std::filesystem::resize_file(name, state.synced + random_() % (unsynced + 1), ignored);
  }
  files_.clear();
  renames_.clear();
}

}  // namespace taskledger::faults
