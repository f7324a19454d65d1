// A data directory that is moved or removed under whoever writes it: nothing more is acknowledged, and nothing is
// written or removed at the path, which may be somebody else's by then.
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <thread>

#include "storage/log_reader.h"
#include "storage/rocks_view_store.h"
#include "tests/storage/log_on_disk.h"
#include "tests/storage/told_lines.h"

namespace taskledger::storage {
namespace {

using testing::HasSubstr;

std::map<std::string, std::string> contents(const fs::path& data) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    std::ifstream in(entry.path(), std::ios::binary);
    if (entry.is_regular_file()) files[entry.path()] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

class MovedDirectory : public testing::Test {
 protected:
  // Another log at the same path, with numbers of files that the first one has too.
  void replace() {
    const auto other = temporary_.path() / "other";
    {
      auto opened = open(other);
      ASSERT_TRUE(opened.log) << opened.error;
      fill(*opened.log, 3);
      ASSERT_TRUE(opened.log->back_up(temporary_.path() / "backups"));  // which flushes
      fill_more(*opened.log, 3);
    }
    fs::rename(data_, moved_);
    fs::rename(other, data_);
  }
  static void fill_more(EventLog& log, std::uint32_t from) {
    for (std::uint32_t i = from; i < from + 20; ++i) ASSERT_TRUE(append(log, commit_of(uuid(100 + i), 0)));
  }
  Result<std::unique_ptr<LogReader>, ReadError> read_beside() {
    auto directory = DataDirectory::open(data_, {DataDirectory::Access::reader, {}, {}});
    if (!directory) return directory.error();
    readers_ = *std::move(directory);
    return open_log_reader(*readers_);
  }
  static bool stops(const EventLog& log) {
    for (int i = 0; i < 500 && !log.failure(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return log.failure().has_value();
  }

  const ToldLines told_;  // a word of it all
  TemporaryDirectory temporary_;
  fs::path data_ = temporary_.path() / "data", moved_ = temporary_.path() / "moved";
  std::unique_ptr<DataDirectory> readers_;
};

TEST_F(MovedDirectory, WritingStopsAndNothingIsWrittenByPath) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 10);
  auto views = open_view_store(*opened.directory);
  ASSERT_TRUE(views);
  ASSERT_TRUE(views->store->write({{"list", 1, RowChanges{}, {}}}, {{10}, {}}));
  replace();
  const auto before = contents(data_);
  EXPECT_TRUE(stops(*opened.log));
  EXPECT_THAT(*opened.log->failure(), HasSubstr("was moved or removed"));
  const auto refused = append(*opened.log, commit_of(uuid(9), 0));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), AppendError::unavailable);
  EXPECT_FALSE(opened.log->back_up(temporary_.path() / "more-backups"));
  EXPECT_FALSE(views->store->flush());
  views->store.reset();
  opened = {};
  EXPECT_EQ(contents(data_), before);
  EXPECT_EQ(verify(data_), "ok: 23");
  EXPECT_EQ(verify(moved_), "ok: 10") << "what was acknowledged";
}

// Who reads beside the writer would go on in the middle of another log.
TEST_F(MovedDirectory, NorIsAnotherLogReadOn) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 10);
  auto reader = read_beside();
  ASSERT_TRUE(reader) << reader.error().what;
  fill_more(*opened.log, 10);
  ASSERT_TRUE((*reader)->catch_up());
  EXPECT_EQ((*reader)->head().position.value, 30u);
  replace();
  const auto caught_up = (*reader)->catch_up();
  ASSERT_FALSE(caught_up);
  EXPECT_THAT(caught_up.error().what, HasSubstr((data_ / "log").string() + " was moved, removed or replaced"));
  EXPECT_EQ((*reader)->head().position.value, 30u);
}

// As a restore by hand leaves it: the folder stays, and its files are another log's.
TEST_F(MovedDirectory, NorIsOneThatIsPutIntoTheSameFolder) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 10);
  auto reader = read_beside();
  ASSERT_TRUE(reader) << reader.error().what;
  const auto before = all_of(**reader);
  opened = {};
  const auto other = temporary_.path() / "other";
  {
    auto another = open(other);
    ASSERT_TRUE(another.log) << another.error;
    fill_more(*another.log, 3);
  }
  for (const auto& entry : fs::directory_iterator(data_ / "log")) fs::remove(entry.path());
  for (const auto& entry : fs::directory_iterator(other / "log"))
    fs::copy_file(entry.path(), data_ / "log" / entry.path().filename());
  const auto caught_up = (*reader)->catch_up();
  ASSERT_FALSE(caught_up);
  EXPECT_THAT(caught_up.error().what, HasSubstr("another log is in its place"));
  EXPECT_EQ(all_of(**reader), before);
}

// At once, without waiting for whoever looks once a second: an erasure makes and removes many files.
TEST_F(MovedDirectory, NorIsAnythingErasedThere) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 10);
  replace();
  const auto before = contents(data_);
  Commit erase = commit_of(uuid(1), 2);
  erase.erase = {uuid(1)};
  EXPECT_FALSE(append(*opened.log, erase));
  EXPECT_TRUE(stops(*opened.log));
  opened = {};
  EXPECT_EQ(contents(data_), before);
  EXPECT_EQ(verify(data_), "ok: 23");
}

TEST_F(MovedDirectory, NorInOneThatIsRemoved) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 10);
  fs::remove_all(data_);
  EXPECT_TRUE(stops(*opened.log));
  EXPECT_FALSE(append(*opened.log, commit_of(uuid(9), 0)));
  opened = {};
  EXPECT_FALSE(fs::exists(data_));
}

}  // namespace
}  // namespace taskledger::storage
