#include "storage/fenced_file_system.h"

#include <rocksdb/file_system.h>

#include <string>
#include <utility>

namespace taskledger::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class FencedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FencedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base, std::function<bool()> is_in_place)
      : FileSystemWrapper(base), is_in_place_(std::move(is_in_place)) {}
  static const char* kClassName() { return "FencedFileSystem"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& name, const FileOptions& options, std::unique_ptr<FSWritableFile>* file,
                           IODebugContext* debug) override {
    return is_in_place_() ? target_->NewWritableFile(name, options, file, debug) : refused(name);
  }
  IOStatus ReopenWritableFile(const std::string& name, const FileOptions& options,
                              std::unique_ptr<FSWritableFile>* file, IODebugContext* debug) override {
    return is_in_place_() ? target_->ReopenWritableFile(name, options, file, debug) : refused(name);
  }
  IOStatus ReuseWritableFile(const std::string& name, const std::string& old_name, const FileOptions& options,
                             std::unique_ptr<FSWritableFile>* file, IODebugContext* debug) override {
    return is_in_place_() ? target_->ReuseWritableFile(name, old_name, options, file, debug) : refused(name);
  }
  IOStatus NewRandomRWFile(const std::string& name, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* file, IODebugContext* debug) override {
    return is_in_place_() ? target_->NewRandomRWFile(name, options, file, debug) : refused(name);
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
    return is_in_place_() ? target_->DeleteFile(name, options, debug) : refused(name);
  }
  IOStatus Truncate(const std::string& name, std::size_t size, const IOOptions& options,
                    IODebugContext* debug) override {
    return is_in_place_() ? target_->Truncate(name, size, options, debug) : refused(name);
  }
  IOStatus CreateDir(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
    return is_in_place_() ? target_->CreateDir(name, options, debug) : refused(name);
  }
  IOStatus CreateDirIfMissing(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
    return is_in_place_() ? target_->CreateDirIfMissing(name, options, debug) : refused(name);
  }
  IOStatus DeleteDir(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
    return is_in_place_() ? target_->DeleteDir(name, options, debug) : refused(name);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    return is_in_place_() ? target_->RenameFile(from, to, options, debug) : refused(from);
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* debug) override {
    return is_in_place_() ? target_->LinkFile(from, to, options, debug) : refused(from);
  }

 private:
  static IOStatus refused(const std::string& name) { return IOStatus::IOError(name, kNotInPlace); }
  const std::function<bool()> is_in_place_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> make_fenced_file_system(std::shared_ptr<rocksdb::FileSystem> base,
                                                             std::function<bool()> is_in_place) {
  return std::make_shared<FencedFileSystem>(base, std::move(is_in_place));
}

}  // namespace taskledger::storage
