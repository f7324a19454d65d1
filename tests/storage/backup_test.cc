// Backups and restores as the log sees them: erasures beside a backup, two restores into one directory, and what a
// killed one leaves.
#include "storage/backup.h"

#include <gmock/gmock.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <fstream>
#include <future>
#include <iterator>
#include <random>
#include <thread>

#include "storage/erasure_list.h"
#include "tests/storage/damage.h"
#include "tests/storage/log_on_disk.h"

namespace taskledger::storage {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Where a thread stops until it is let go.
class Gate {
 public:
  void pass() {
    if (!met_.exchange(true)) reached_.set_value();
    opened_.wait();
  }
  void wait_until_reached() { reached_.get_future().get(); }
  void open() { open_.set_value(); }

 private:
  std::atomic<bool> met_ = false;
  std::promise<void> reached_, open_;
  std::shared_future<void> opened_ = open_.get_future().share();
};

// Stops one thread, that of a backup, when it looks for the WALs: it has chosen the tables by then, and copied none.
class HeldFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit HeldFileSystem(Gate& gate) : FileSystemWrapper(rocksdb::FileSystem::Default()), gate_(gate) {}
  static const char* kClassName() { return "HeldFileSystem"; }
  const char* Name() const override { return kClassName(); }
  void hold_this_thread() { held_ = std::this_thread::get_id(); }
  rocksdb::IOStatus GetChildren(const std::string& folder, const rocksdb::IOOptions& options,
                                std::vector<std::string>* names, rocksdb::IODebugContext* debug) override {
    if (std::this_thread::get_id() == held_) gate_.pass();
    return FileSystemWrapper::GetChildren(folder, options, names, debug);
  }

 private:
  Gate& gate_;
  std::atomic<std::thread::id> held_;
};

class Backups : public testing::Test {
 protected:
  // A log with a secret that was backed up, and erased after that.
  void back_up_and_erase() {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    fill(*opened.log, 10);
    ASSERT_TRUE(append(*opened.log, commit_of(uuid(100), 0, {R"({"title":"very-secret-word"})"})));
    ASSERT_TRUE(opened.log->back_up(backups_));
    ASSERT_TRUE(append(*opened.log, erasure_of(uuid(100), 1)));
  }
  std::string restore(const Clock& clock = SetClock{}, const fs::path& erasures = {}) {
    const auto restored = restore_backup(backups_, copy_, {{}, erasures, clock, seeded_random(4)});
    return restored ? "restored, erased " + std::to_string(restored->erased) : restored.error().what;
  }
  fs::path marker() const { return copy_ / kRestoringFile; }

  TemporaryDirectory temporary_;
  const fs::path data_ = temporary_.path() / "data", backups_ = temporary_.path() / "backups",
                 copy_ = temporary_.path() / "copy";
};

// The erased is in the backup, whose files were chosen before: so the list beside it must have it.
TEST_F(Backups, AnErasureDuringOneIsInNoFileOfTheLogAndListedBesideIt) {
  Gate gate;
  const auto files = std::make_shared<HeldFileSystem>(gate);
  const auto env = rocksdb::NewCompositeEnv(files);
  auto opened = open(data_, {}, LogOptions{}.merge_interval, [&](LogOptions& options) { options.env = env.get(); });
  ASSERT_TRUE(opened.log) << opened.error;
  ASSERT_TRUE(append(*opened.log, commit_of(uuid(1), 0, {R"({"title":"very-secret-word"})"})));
  auto backup = std::async(std::launch::async, [&] {
    files->hold_this_thread();
    return opened.log->back_up(backups_);
  });
  gate.wait_until_reached();
  auto erased = std::async(std::launch::async, [&] { return append(*opened.log, erasure_of(uuid(1), 1)); });
  for (int i = 0; i < 1000 && !fs::exists(data_ / kErasuresFile); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(fs::exists(data_ / kErasuresFile));
  EXPECT_EQ(erased.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout) << "the backup holds files";
  gate.open();
  const auto backed_up = backup.get();
  ASSERT_TRUE(backed_up) << backed_up.error().what;
  ASSERT_TRUE(erased.get());
  EXPECT_FALSE(any_file_holds(data_, "very-secret-word"));
  EXPECT_TRUE(any_file_holds(backups_, "very-secret-word")) << "or this test shows nothing";
  const auto listed = read_erasures(backups_ / kErasuresFile);
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->size(), 1u);
  EXPECT_THAT(restore(), StartsWith("restored"))
      << "by the list, or by the WAL, which was copied later than the tables";
  EXPECT_FALSE(any_file_holds(copy_, "very-secret-word"));
  EXPECT_EQ(verify(copy_).substr(0, 3), "ok:");
}

TEST_F(Backups, AnErasureBeforeOneIsInNeither) {
  back_up_and_erase();
  fs::remove_all(backups_);
  auto opened = open(data_);
  ASSERT_TRUE(opened.log->back_up(backups_));
  EXPECT_FALSE(any_file_holds(backups_, "very-secret-word"));
  const auto listed = read_erasures(backups_ / kErasuresFile);
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->size(), 1u);
}

// The log tells of what its list has lost, whether a start or a backup comes first.
TEST_F(Backups, AListOfErasuresThatWasLostOrCutIsMadeWhole) {
  for (const int left : {-1, 0, 40}) {  // bytes of it; -1: no file
    for (const bool start_first : {false, true}) {
      SCOPED_TRACE(testing::Message() << left << " bytes left, start first " << start_first);
      for (const auto& folder : {data_, backups_, copy_}) fs::remove_all(folder);
      back_up_and_erase();
      const auto harm = [&] {
        if (left >= 0)
          fs::resize_file(data_ / kErasuresFile, static_cast<std::uintmax_t>(left));
        else
          fs::remove(data_ / kErasuresFile);
      };
      if (start_first) harm();
      {
        auto opened = open(data_);
        ASSERT_TRUE(opened.log) << opened.error;
        EXPECT_EQ(read_erasures(data_ / kErasuresFile)->size(), start_first && left < 0 ? 0u : 1u);
        if (!start_first) harm();
        ASSERT_TRUE(opened.log->back_up(backups_));
      }
      const auto listed = read_erasures(backups_ / kErasuresFile);
      ASSERT_TRUE(listed);
      ASSERT_EQ(listed->size(), 1u);
      EXPECT_EQ(listed->front().stream, uuid(100));
      EXPECT_EQ(listed->front().actor, kActor);
      EXPECT_EQ(restore_backup(backups_, copy_, {"1", {}, SetClock{}, seeded_random(4)})->erased, 1u);
    }
  }
}

TEST_F(Backups, AListOfErasuresThatWasLostIsMadeWholeByTheNextErasure) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  for (std::uint8_t task = 1; task <= 3; ++task) {
    ASSERT_TRUE(append(*opened.log, commit_of(uuid(task), 0)));
    fs::remove(data_ / kErasuresFile);
    ASSERT_TRUE(append(*opened.log, erasure_of(uuid(task), 1)));
    EXPECT_EQ(read_erasures(data_ / kErasuresFile)->size(), task);
  }
}

TEST_F(Backups, NoneGoesAmongTheFilesOfTheLog) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 3);
  for (const auto* place : {"log", "log/backups", "views/x/y", "../data/log/./z"}) {
    const auto refused = opened.log->back_up(data_ / place);
    ASSERT_FALSE(refused) << place;
    EXPECT_THAT(refused.error().what, HasSubstr("none for backups"));
  }
  EXPECT_TRUE(opened.log->back_up(data_ / "backups")) << "beside them they may lie";
}

// Each backup is restored with the key that its data had, or with none.
TEST_F(Backups, EachKeepsItsKey) {
  const std::vector<std::string> keys{std::string(32, 'a'), std::string(32, 'a'), "", "", std::string(32, 'b'), ""};
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    std::uint8_t task = 0;
    for (const std::string& key : keys) {
      ASSERT_TRUE(append(*opened.log, commit_of(uuid(++task), 0, {R"({"title":"one"})"})));
      fs::remove(data_ / "secret.key");
      if (!key.empty()) std::ofstream(data_ / "secret.key", std::ios::binary) << key;
      ASSERT_TRUE(opened.log->back_up(backups_));
    }
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    SCOPED_TRACE(i + 1);
    fs::remove_all(copy_);
    const auto restored = restore_backup(backups_, copy_, {std::to_string(i + 1), {}, SetClock{}, seeded_random(4)});
    ASSERT_TRUE(restored) << restored.error().what;
    std::ifstream file(copy_ / "secret.key", std::ios::binary);
    EXPECT_EQ(std::string((std::istreambuf_iterator<char>(file)), {}), keys[i]);
    EXPECT_EQ(file.is_open(), !keys[i].empty());
  }
}

// A backup that failed between has left its key beside the last one's.
TEST_F(Backups, AKeyIsKeptThoughTheNextBackupFailed) {
  const std::string first(32, 'a'), second(32, 'b'), third(32, 'c');
  const auto set_key = [&](const fs::path& folder, const std::string& key) {
    std::ofstream(folder / "secret.key", std::ios::binary | std::ios::trunc) << key;
  };
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    ASSERT_TRUE(append(*opened.log, commit_of(uuid(1), 0, {R"({"title":"one"})"})));
    set_key(data_, first);
    ASSERT_TRUE(opened.log->back_up(backups_));
    // As a backup leaves it that ends after its key is there.
    fs::rename(backups_ / "secret.key", backups_ / "secret.key.up-to-1");
    set_key(backups_, second);
    set_key(data_, third);
    ASSERT_TRUE(opened.log->back_up(backups_));
  }
  for (const auto& [id, key] : {std::pair{"1", first}, std::pair{"2", third}}) {
    SCOPED_TRACE(id);
    fs::remove_all(copy_);
    const auto restored = restore_backup(backups_, copy_, {id, {}, SetClock{}, seeded_random(4)});
    ASSERT_TRUE(restored) << restored.error().what;
    std::ifstream file(copy_ / "secret.key", std::ios::binary);
    EXPECT_EQ(std::string((std::istreambuf_iterator<char>(file)), {}), key);
  }
}

TEST_F(Backups, ThatIsGivenUpLeavesTheNextOneRight) {
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    std::mt19937_64 random(1);
    std::string title(64 << 10, ' ');
    for (std::uint32_t i = 0; i < 200; ++i) {
      for (char& c : title) c = static_cast<char>('!' + random() % 90);
      ASSERT_TRUE(append(*opened.log, commit_of(uuid(1), i, {title})));
    }
    const std::atomic<bool> give_up{true};
    const auto given_up = opened.log->back_up(backups_, &give_up);
    ASSERT_FALSE(given_up);
    EXPECT_THAT(given_up.error().what, HasSubstr("stopped"));
    EXPECT_THAT(restore(), HasSubstr("holds no backup"));
    ASSERT_TRUE(opened.log->back_up(backups_));
  }
  EXPECT_EQ(restore(), "restored, erased 0");
  EXPECT_EQ(verify(copy_), "ok: 200");
}

TEST_F(Backups, ASecondRestoreIntoADirectoryLeavesTheFirstAlone) {
  back_up_and_erase();
  Gate gate;
  const Clock stopped = [&] {
    gate.pass();
    return Timestamp{1};
  };
  auto first = std::async(std::launch::async, [&] { return restore(stopped, data_ / kErasuresFile); });
  gate.wait_until_reached();  // its log is copied, and about to be erased in
  EXPECT_THAT(restore(), HasSubstr("another restore into " + copy_.string() + " is under way"));
  EXPECT_THAT(verify(copy_), HasSubstr("did not end"));
  gate.open();
  EXPECT_EQ(first.get(), "restored, erased 1");
  EXPECT_THAT(restore(), HasSubstr("is not empty"));
  EXPECT_EQ(verify(copy_), "ok: 13");
}

TEST_F(Backups, ARestoreThatWasKilledIsDoneAgainWhereverItWas) {
  back_up_and_erase();
  ASSERT_TRUE(fs::create_directory(copy_));
  std::ofstream(marker()) << "";  // before anything was written
  EXPECT_EQ(restore(), "restored, erased 0");
  std::ofstream(marker()) << "a restore into this directory did not end\n";
  std::ofstream(copy_ / "log/000099.sst") << "half of it";
  fs::remove(copy_ / "format");
  EXPECT_THAT(verify(copy_), HasSubstr("did not end"));
  EXPECT_EQ(restore(), "restored, erased 0");
  EXPECT_FALSE(fs::exists(marker()));
  EXPECT_FALSE(fs::exists(copy_ / "log/000099.sst"));
  EXPECT_EQ(verify(copy_), "ok: 11");
}

// What it was told the time before is not what it is told now.
TEST_F(Backups, ARestoreThatBeginsAnewKeepsNothingOfTheOneBefore) {
  back_up_and_erase();
  ASSERT_EQ(restore(SetClock{}, data_ / kErasuresFile), "restored, erased 1");
  std::ofstream(marker()) << "a restore into this directory did not end\n";
  std::ofstream(copy_ / "secret.key") << "of somebody else";
  fs::remove(backups_ / "secret.key");
  EXPECT_EQ(restore(), "restored, erased 0");
  EXPECT_FALSE(fs::exists(copy_ / kErasuresFile));
  EXPECT_FALSE(fs::exists(copy_ / "secret.key"));
  EXPECT_TRUE(any_file_holds(copy_, "very-secret-word"));
  EXPECT_EQ(verify(copy_), "ok: 11");
}

// The files would be copied as they are, and the copies be right by the sums that are made of them then.
TEST_F(Backups, ADamagedTableIsNamedAndNotBackedUp) {
  const auto write = [&](std::uint64_t first, bool then_back_up) {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    for (std::uint64_t i = first; i < first + 100; ++i)
      ASSERT_TRUE(append(*opened.log, commit_of(uuid(i), 0, {R"({"title":")" + std::string(first, 'x') + "\"}"})));
    if (then_back_up) {
      ASSERT_TRUE(opened.log->back_up(backups_));
    }
  };
  write(10, true);
  write(200, false);
  flush_log(data_);
  const auto file = flip_byte(data_ / "log", ".sst", 0.6);  // the largest: the new one of the events
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    const auto refused = opened.log->back_up(backups_);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what, HasSubstr(file + " is damaged"));
  }
  EXPECT_EQ(restore(), "restored, erased 0");
  EXPECT_EQ(verify(copy_), "ok: 100") << "the one before is as it was";
  flip_byte(data_ / "log", ".sst", 0.6);  // turned back
  auto opened = open(data_);
  EXPECT_TRUE(opened.log->back_up(backups_));
}

// Who comes while another restore ends may make the file anew: nothing was begun by that.
TEST_F(Backups, AMarkerThatSaysNothingIsNoLeaveToRemoveALog) {
  back_up_and_erase();
  ASSERT_EQ(restore(), "restored, erased 0");
  std::ofstream(marker()) << "";
  EXPECT_THAT(restore(), HasSubstr("is not empty"));
  EXPECT_FALSE(fs::exists(marker()));
  EXPECT_EQ(verify(copy_), "ok: 11");
}

TEST_F(Backups, ADamagedLineOfAListOfErasuresIsNotPassedOver) {
  back_up_and_erase();
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log->back_up(backups_)) << "takes the list along";
  }
  const fs::path list = backups_ / kErasuresFile;
  const auto change = [](const fs::path& file, std::streamoff at, char to) {
    std::fstream(file, std::ios::in | std::ios::out).seekp(at).put(to);
  };
  change(list, 1, '!');  // the first space
  EXPECT_EQ(restore(), list.string() + ":1: is not a line of a list of erasures");
  EXPECT_FALSE(fs::exists(copy_)) << "nothing was begun";
  change(list, 1, ' ');
  std::ofstream(list, std::ios::app) << "7 0000";  // as a crash leaves it
  EXPECT_EQ(restore_backup(backups_, copy_, {"1", {}, SetClock{}, seeded_random(4)})->erased, 1u);

  change(data_ / kErasuresFile, 1, '!');
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  const auto refused = opened.log->back_up(backups_);
  ASSERT_FALSE(refused) << "its backups would lack an erasure";
  EXPECT_THAT(refused.error().what, HasSubstr("erasures:1: is not a line"));
}

}  // namespace
}  // namespace taskledger::storage
