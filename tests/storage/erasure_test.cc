// Erasures that wait for their purge, and the list of them.
#include <gmock/gmock.h>

#include <fstream>
#include <future>
#include <thread>

#include "storage/erasure_list.h"
#include "tests/storage/log_on_disk.h"

namespace taskledger::storage {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// They are answered late, so they count for as long: but never so many that others find no room.
TEST(Erasures, ThatWaitForTheirPurgeAreBoundedAndHoldUpABulkAppend) {
  TemporaryDirectory temporary;
  std::promise<void> purged, release;
  auto released = release.get_future().share();
  std::atomic<int> answered = 0;
  auto opened = open(temporary.path() / "data", {}, LogOptions{}.merge_interval,
                     [](LogOptions& options) { options.max_queued_commits = 4; });
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 5);
  opened.log->append(erasure_of(uuid(0), 1), [&](const EventLog::Appending& answer) {
    answered += answer.has_value();
    purged.set_value();
    released.wait();
  });
  purged.get_future().get();
  EXPECT_TRUE(append(*opened.log, commit_of(uuid(100), 0)));
  opened.log->append(erasure_of(uuid(1), 1), [&](const auto& answer) { answered += answer.has_value(); });
  std::optional<AppendError> third;
  opened.log->append(erasure_of(uuid(2), 1), [&](const auto& answer) {
    if (!answer) third = answer.error();
  });
  EXPECT_EQ(third, AppendError::queue_full);
  EXPECT_EQ(opened.log->append_figures().turned_away, 1u);
  const auto waiting = [&] { return opened.log->append_figures().queued_commits; };
  for (int i = 0; i < 500 && waiting() > 2; ++i) std::this_thread::sleep_for(10ms);  // it counts a little longer
  EXPECT_EQ(waiting(), 2u);
  EXPECT_TRUE(append(*opened.log, commit_of(uuid(101), 0))) << "others go on";
  auto bulk = std::async(std::launch::async, [&] { return opened.log->begin_bulk(kWorkspace); });
  EXPECT_EQ(bulk.wait_for(100ms), std::future_status::timeout) << "not everything before is answered";
  release.set_value();
  EXPECT_TRUE(bulk.get());
  EXPECT_EQ(answered, 2);
  EXPECT_EQ(opened.log->append_figures().queued_commits, 0u);
  EXPECT_TRUE(append(*opened.log, erasure_of(uuid(2), 1)));
}

Commit erasure_again(const Uuid& stream, std::uint32_t version) {
  Commit commit = erasure_of(stream, version);
  commit.records.clear();
  return commit;
}

TEST(Erasures, OneThatIsAskedAgainWaitsForTheFirst) {
  TemporaryDirectory temporary;
  std::promise<void> purged, release, again;
  auto released = release.get_future().share();
  auto opened = open(temporary.path() / "data");
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 5);
  opened.log->append(erasure_of(uuid(0), 1), [&](const EventLog::Appending&) {
    purged.set_value();
    released.wait();
  });
  purged.get_future().get();
  opened.log->append(erasure_again(uuid(0), 2), [&](const auto& answer) {
    EXPECT_TRUE(answer);
    again.set_value();
  });
  auto answered = again.get_future();
  EXPECT_EQ(answered.wait_for(100ms), std::future_status::timeout);
  release.set_value();
  answered.get();
}

TEST(Erasures, AfterOneThatFailedNoneIsAnsweredAsDone) {
  TemporaryDirectory temporary;
  const auto data = temporary.path() / "data";
  auto opened = open(data);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 5);
  fs::create_directory(data / kErasuresFile);  // so that it cannot be listed
  std::promise<EventLog::Appending> first, second, third;
  opened.log->append(erasure_of(uuid(0), 1), [&](const auto& answer) { first.set_value(answer); });
  opened.log->append(erasure_again(uuid(0), 2), [&](const auto& answer) { second.set_value(answer); });
  EXPECT_EQ(first.get_future().get().error(), AppendError::unavailable);
  EXPECT_EQ(second.get_future().get().error(), AppendError::unavailable);
  fs::remove(data / kErasuresFile);
  opened.log->append(erasure_again(uuid(0), 2), [&](const auto& answer) { third.set_value(answer); });
  EXPECT_EQ(third.get_future().get().error(), AppendError::unavailable);
  opened = {};
  opened = open(data);
  ASSERT_TRUE(opened.log) << opened.error;
  EXPECT_TRUE(append(*opened.log, erasure_again(uuid(0), 2)));
  EXPECT_FALSE(any_file_holds(data, "number 0"));
}

// A race that ThreadSanitizer sees: a bulk append takes over at the moment of an answer.
TEST(Erasures, BulkAppendsTakeTurnsWithCommits) {
  TemporaryDirectory temporary;
  auto opened = open(temporary.path() / "data", {}, LogOptions{}.merge_interval, [](LogOptions& options) {
    options.cached_streams = 2;
    options.durability = Durability::os;
  });
  ASSERT_TRUE(opened.log) << opened.error;
  std::atomic<bool> stop = false;
  std::thread bulks([&] {
    while (!stop) static_cast<void>(opened.log->begin_bulk(kWorkspace));
  });
  std::uint32_t written = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    written += append(*opened.log, i % 10 == 0 ? erasure_of(uuid(i), 0) : commit_of(uuid(i), 0)).has_value();
  }
  stop = true;
  bulks.join();
  opened = {};
  EXPECT_EQ(verify(temporary.path() / "data"), "ok: " + std::to_string(written));
}

class ErasureList : public testing::Test {
 protected:
  static Erasure one(std::uint64_t number) { return {kWorkspace, uuid(number), kActor, {5}}; }
  void write(const std::string& text) const { std::ofstream(file_, std::ios::app) << text; }
  [[nodiscard]] std::string listed() const {
    auto erasures = read_erasures(file_);
    if (!erasures) return erasures.error().what;
    std::string text;
    for (const Erasure& erasure : *erasures) text += std::to_string(erasure.stream.bytes[15]) + " ";
    return text;
  }
  TemporaryDirectory temporary_;
  const std::filesystem::path file_ = temporary_.path() / kErasuresFile;
};

TEST_F(ErasureList, TellsEachTaskOnce) {
  EXPECT_EQ(listed(), "");
  EXPECT_TRUE(add_erasures(file_, {}));
  EXPECT_FALSE(std::filesystem::exists(file_));
  EXPECT_TRUE(add_erasures(file_, std::vector{one(1), one(2), one(1)}));
  EXPECT_TRUE(add_erasures(file_, std::vector{one(2), one(3)}));
  EXPECT_EQ(listed(), "1 2 3 ");
}

TEST_F(ErasureList, ALineThatACrashCutOffIsNoneAndGoesWithTheNext) {
  ASSERT_TRUE(add_erasures(file_, std::vector{one(1)}));
  std::string expected = "1 ";
  for (const std::string& torn : {std::string("7 00000000-0000"), std::string(5000, '\0')}) {
    write(torn);
    EXPECT_EQ(listed(), expected);
    ASSERT_TRUE(add_erasures(file_, std::vector{one(expected.size())}));
    expected += std::to_string(expected.size()) + " ";
    EXPECT_EQ(listed(), expected);
    EXPECT_TRUE(check_erasures(file_));
  }
}

TEST_F(ErasureList, ALastLineThatLacksItsEndAloneStays) {
  ASSERT_TRUE(add_erasures(file_, std::vector{one(1), one(2)}));
  std::filesystem::resize_file(file_, std::filesystem::file_size(file_) - 1);
  EXPECT_EQ(listed(), "1 2 ");
  ASSERT_TRUE(add_erasures(file_, std::vector{one(3)}));
  EXPECT_EQ(listed(), "1 2 3 ");
}

TEST_F(ErasureList, ALineThatIsDamagedIsNamed) {
  ASSERT_TRUE(add_erasures(file_, std::vector{one(1)}));
  write("7 garbage\n");
  EXPECT_THAT(listed(), HasSubstr(file_.string() + ":2: is not a line of a list of erasures"));
  EXPECT_TRUE(add_erasures(file_, std::vector{one(3)})) << "what is erased now is listed all the same";
}

}  // namespace
}  // namespace taskledger::storage
