#include "storage/file_system_env.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

#include <utility>

namespace taskledger::storage {
namespace {

class FileSystemEnv final : public rocksdb::EnvWrapper {
 public:
  FileSystemEnv(std::unique_ptr<rocksdb::Env> files, std::shared_ptr<rocksdb::SystemClock> clock)
      : EnvWrapper(files.get()), files_(std::move(files)) {
    file_system_ = files_->GetFileSystem();
    system_clock_ = std::move(clock);
  }
  static const char* kClassName() { return "FileSystemEnv"; }
  const char* Name() const override { return kClassName(); }

 private:
  const std::unique_ptr<rocksdb::Env> files_;
};

}  // namespace

std::unique_ptr<rocksdb::Env> make_env(std::shared_ptr<rocksdb::FileSystem> files, rocksdb::Env& base) {
  return std::make_unique<FileSystemEnv>(rocksdb::NewCompositeEnv(std::move(files)), base.GetSystemClock());
}

}  // namespace taskledger::storage
