// A purge is over when the files that held what was erased are gone, whoever still held them.
#include "storage/obsolete_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>

#include "storage/keys.h"
#include "storage/log_tables.h"
#include "tests/storage/log_fixture.h"

namespace taskledger::storage {
namespace {

using namespace std::chrono_literals;

class ObsoleteFiles : public testing::Test {
 protected:
  ObsoleteFiles() {
    std::filesystem::create_directories(path_);
    auto opened = LogTables::open(path_, {});
    EXPECT_TRUE(opened) << opened.error().what;
    tables_ = std::move(*opened);
    auto& db = tables_->db();
    for (const char* value : {"before", "after"}) {
      EXPECT_TRUE(db.Put({}, tables_->events, keys::event({1}), value).ok());
      EXPECT_TRUE(db.Flush({}, tables_->all()).ok());
    }
  }
  std::vector<std::string> rewrite() {
    std::vector<std::string> files;
    const auto key = keys::event({1});
    EXPECT_TRUE(rewrite_tables(tables_->db(), tables_->events, key, key, files).ok());
    EXPECT_EQ(files.size(), 2u);
    return files;
  }
  static bool any_is_there(const std::vector<std::string>& files) {
    return std::any_of(files.begin(), files.end(), [](const auto& file) { return std::filesystem::exists(file); });
  }

  TemporaryDirectory temporary_;
  const std::string path_ = (temporary_.path() / "log").string();
  std::unique_ptr<LogTables> tables_;
};

TEST_F(ObsoleteFiles, AreWaitedForWhileABackupHoldsThem) {
  ASSERT_TRUE(tables_->db().DisableFileDeletions().ok());  // as the backup engine does
  const auto files = rewrite();
  EXPECT_TRUE(any_is_there(files));
  auto removed = std::async(std::launch::async, [&] { return wait_until_removed(tables_->db(), files); });
  EXPECT_EQ(removed.wait_for(100ms), std::future_status::timeout);
  ASSERT_TRUE(tables_->db().EnableFileDeletions(false).ok());
  EXPECT_TRUE(removed.get());
  EXPECT_FALSE(any_is_there(files));
}

TEST_F(ObsoleteFiles, AreWaitedForWhileSomebodyReadsThem) {
  std::unique_ptr<rocksdb::Iterator> reader(tables_->db().NewIterator({}, tables_->events));
  const auto files = rewrite();
  auto removed = std::async(std::launch::async, [&] { return wait_until_removed(tables_->db(), files); });
  EXPECT_EQ(removed.wait_for(100ms), std::future_status::timeout);
  reader.reset();
  EXPECT_TRUE(removed.get());
  EXPECT_FALSE(any_is_there(files));
}

TEST_F(ObsoleteFiles, AreNamedWhenTheWaitIsGivenUp) {
  ASSERT_TRUE(tables_->db().DisableFileDeletions().ok());
  const auto files = rewrite();
  std::atomic<bool> give_up = true;
  const auto removed = wait_until_removed(tables_->db(), files, give_up);
  ASSERT_FALSE(removed);
  EXPECT_TRUE(removed.error().what.ends_with(".sst is still in use")) << removed.error().what;
}

}  // namespace
}  // namespace taskledger::storage
