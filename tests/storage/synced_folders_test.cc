// That what is made stays made: the folders whose entries are synced, seen by standing in for fsync(2).
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mutex>
#include <set>

#include "storage/backup.h"
#include "tests/storage/log_on_disk.h"

namespace {
std::mutex mutex;
std::set<std::string> synced;  // paths
}  // namespace

extern "C" int fsync(int file) {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file), error);
  {
    const std::lock_guard lock(mutex);
    synced.insert(path);
  }
  return static_cast<int>(::syscall(SYS_fsync, file));
}

namespace taskledger::storage {
namespace {

class SyncedFolders : public testing::Test {
 protected:
  void SetUp() override { forget(); }
  static void forget() {
    const std::lock_guard lock(mutex);
    synced.clear();
  }
  static bool is_synced(const fs::path& folder) {
    const std::lock_guard lock(mutex);
    return synced.contains(fs::canonical(folder));
  }
  TemporaryDirectory temporary_;
  const fs::path above_ = temporary_.path() / "above", data_ = above_ / "data",
                 backups_ = temporary_.path() / "copies" / "backups", copy_ = temporary_.path() / "restored" / "copy";
};

TEST_F(SyncedFolders, ANewDataDirectoryAndItsLogAreThereToStay) {
  auto directory = DataDirectory::open(data_ / "", exclusive());
  ASSERT_TRUE(directory) << directory.error().what;
  EXPECT_TRUE(is_synced(temporary_.path()));
  EXPECT_TRUE(is_synced(above_));
  EXPECT_EQ(fs::status(data_).permissions(), fs::perms::owner_all);
  forget();
  LogOptions options;
  options.clock = SetClock{};
  options.random = seeded_random(2);
  auto log = open_event_log(**directory, options);
  ASSERT_TRUE(log) << log.error().what;
  EXPECT_TRUE(is_synced(data_));
}

TEST_F(SyncedFolders, SoAreTheTargetsOfBackupsAndRestores) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 5);
  forget();
  ASSERT_TRUE(opened.log->back_up(backups_));
  EXPECT_TRUE(is_synced(temporary_.path()));
  EXPECT_TRUE(is_synced(backups_.parent_path()));
  EXPECT_TRUE(is_synced(backups_));
  forget();
  const auto restored = restore_backup(backups_, copy_, {{}, {}, SetClock{}, seeded_random(4)});
  ASSERT_TRUE(restored) << restored.error().what;
  EXPECT_TRUE(is_synced(temporary_.path()));
  EXPECT_TRUE(is_synced(copy_.parent_path()));
  EXPECT_TRUE(is_synced(copy_));
}

}  // namespace
}  // namespace taskledger::storage
