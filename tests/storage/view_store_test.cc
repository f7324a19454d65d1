// The view store: rows and checkpoints together, generations, and that nothing wrong with it stops a start.
#include <gmock/gmock.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "storage/rocks_view_store.h"
#include "tests/storage/damage.h"
#include "tests/storage/log_fixture.h"

namespace taskledger::storage {
namespace {

class ViewStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    auto directory =
        DataDirectory::open(temporary_.path() / "data", {DataDirectory::Access::exclusive, {}, seeded_random(1)});
    ASSERT_TRUE(directory);
    directory_ = std::move(*directory);
    reopen();
  }
  std::string reopen(ViewOptions options = {}) {
    store_.reset();
    auto opened = open_view_store(*directory_, options);
    EXPECT_TRUE(opened);
    store_ = std::move(opened->store);
    return opened->discarded;
  }
  std::string rows(std::uint64_t generation, std::string_view from = "", std::string_view to = "") {
    std::string text;
    EXPECT_TRUE(store_->scan("list", generation, from, to, [&](auto key, auto value) {
      text.append(key).append("=").append(value).append(" ");
      return true;
    }));
    return text;
  }
  void load(std::uint64_t generation, std::vector<std::pair<std::string, std::string>> pairs) {
    std::size_t at = 0;
    ASSERT_TRUE(store_->bulk_load("list", generation, [&](std::string& key, std::string& value) {
      if (at == pairs.size()) return false;
      key = pairs[at].first;
      value = pairs[at++].second;
      return true;
    }));
  }
  TemporaryDirectory temporary_;
  std::unique_ptr<DataDirectory> directory_;
  std::unique_ptr<RocksViewStore> store_;
};

Checkpoint at(std::uint64_t position) { return {{position}, Hash{static_cast<std::uint8_t>(position)}}; }

TEST_F(ViewStoreTest, RowsAndCheckpointLandTogetherAndStay) {
  EXPECT_EQ(store_->generation("list"), 1u);
  EXPECT_EQ(*store_->checkpoint("list", 1), std::nullopt);
  ASSERT_TRUE(store_->write({{"list", 1, {{"a", "1"}, {"b", "2"}, {"c", "3"}}}, {"stats", 1, {{"x", "y"}}}}, at(5)));
  ASSERT_TRUE(store_->write({{"list", 1, {{"b", std::nullopt}}}}, at(6)));
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(reopen(), "");
  EXPECT_EQ(rows(1), "a=1 c=3 ");
  EXPECT_EQ(rows(1, "b", "d"), "c=3 ");
  EXPECT_EQ(*store_->get("list", 1, "a"), "1");
  EXPECT_EQ(*store_->get("list", 1, "b"), std::nullopt);
  EXPECT_EQ((*store_->checkpoint("list", 1))->position.value, 6u);
  EXPECT_EQ((*store_->checkpoint("stats", 1))->position.value, 5u);
  EXPECT_EQ((*store_->checkpoint("list", 1))->hash, at(6).hash);
}

TEST_F(ViewStoreTest, LargeWritesAreLikeSmallOnes) {
  ViewOptions large;
  large.large_write = 3;
  reopen(large);
  ASSERT_TRUE(store_->write({{"list", 1, {{"a", "1"}, {"d", "4"}}}}, at(1)));
  ASSERT_TRUE(
      store_->write({{"list", 1, {{"c", "3"}, {"a", "2"}, {"b", "2"}, {"b", std::nullopt}, {"d", std::nullopt}}},
                     {"stats", 1, {{"x", "y"}}},
                     {"mode", 1, {}}},
                    at(2)));
  EXPECT_EQ(rows(1), "a=2 c=3 ");
  for (const auto* projection : {"list", "stats", "mode"})
    EXPECT_EQ((*store_->checkpoint(projection, 1))->position.value, 2u) << projection;
  ASSERT_TRUE(store_->write({{"list", 1, {{"c", std::nullopt}, {"e", "5"}}}}, at(3)));
  ASSERT_TRUE(store_->write({{"list", 1, {{"e", "6"}, {"f", "7"}, {"a", std::nullopt}}}}, at(4)));
  EXPECT_EQ(rows(1), "e=6 f=7 ");
  EXPECT_EQ(reopen(), "");
  EXPECT_EQ(rows(1), "e=6 f=7 ");
  EXPECT_EQ((*store_->checkpoint("list", 1))->position.value, 4u);
}

// Keys that share a beginning, end early, hold zeros and come twice: a table takes rows in no other order than theirs.
TEST_F(ViewStoreTest, RowsOfAnyKeysAreWrittenInTheirOrder) {
  ViewOptions large;
  large.large_write = 1;
  reopen(large);
  std::mt19937_64 random(7);
  for (int round = 0; round < 40; ++round) {
    const auto table = static_cast<std::uint64_t>(round + 2);
    ASSERT_EQ(*store_->begin_generation("list"), table);
    const std::string begin(random() % 12, static_cast<char>(random() % 2));
    RowChanges changes;
    std::map<std::string, std::string> expected;
    for (int i = 0; i < 60; ++i) {
      std::string key = begin + 'k';
      for (auto left = random() % 12; left != 0; --left) key.push_back(static_cast<char>(random() % 3 * 127));
      if (random() % 4 == 0) {
        changes.remove(key);
        expected.erase(key);
      } else {
        changes.put(key, std::to_string(i));
        expected[key] = std::to_string(i);
      }
    }
    ASSERT_TRUE(store_->write({{"list", table, changes}}, at(1)));
    std::string text;
    for (const auto& [key, value] : expected) text.append(key).append("=").append(value).append(" ");
    ASSERT_EQ(rows(table), text) << "round " << round;
  }
}

// Tasks that are only created are rows whose keys ascend: RocksDB itself would keep a file for each flush.
TEST_F(ViewStoreTest, FlushesDoNotLeaveAFileEachForEver) {
  ViewOptions options;
  options.merge_interval = std::chrono::milliseconds(10);
  reopen(options);
  const auto files = [&] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_->views()))
      count += entry.path().extension() == ".sst";
    return count;
  };
  constexpr unsigned kFlushes = 60;
  for (unsigned i = 0; i < kFlushes; ++i) {
    RowChanges row;
    row.put(std::to_string(100 + i), "row");
    ASSERT_TRUE(store_->write({{"list", 1, std::move(row)}}, at(i + 1)));
    ASSERT_TRUE(store_->flush());
  }
  for (int i = 0; i < 500 && files() > kFlushes / 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_LE(files(), kFlushes / 2);
  std::string all;
  for (unsigned i = 0; i < kFlushes; ++i) all += std::to_string(100 + i) + "=row ";
  EXPECT_EQ(rows(1), all);
}

TEST_F(ViewStoreTest, ARebuiltGenerationServesOnceItIsActivated) {
  ASSERT_TRUE(store_->write({{"list", 1, {{"old", "1"}}}}, at(5)));
  auto next = store_->begin_generation("list");
  ASSERT_TRUE(next);
  EXPECT_EQ(*next, 2u);
  load(2, {{"a", "1"}, {"b", "2"}});
  ASSERT_TRUE(store_->write({{"list", 2, {{"c", "3"}}}}, at(7)));
  EXPECT_EQ(store_->generation("list"), 1u);
  ASSERT_TRUE(store_->activate({{"list", 2}}));
  EXPECT_EQ(store_->generation("list"), 2u);
  store_->drop("list", 1);
  EXPECT_EQ(rows(1), "");
  EXPECT_EQ(reopen(), "");
  EXPECT_EQ(store_->generation("list"), 2u);
  EXPECT_EQ(rows(2), "a=1 b=2 c=3 ");
  EXPECT_EQ((*store_->checkpoint("list", 2))->position.value, 7u);
  EXPECT_EQ(*store_->checkpoint("list", 1), std::nullopt);
}

TEST_F(ViewStoreTest, AnUnfinishedGenerationIsDroppedAtOpening) {
  ASSERT_TRUE(store_->write({{"list", 1, {{"old", "1"}}}}, at(5)));
  auto next = store_->begin_generation("list");
  load(*next, {{"a", "1"}});
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(reopen(), "");
  EXPECT_EQ(rows(1), "old=1 ");
  EXPECT_EQ(rows(2), "");
}

// As an upgrade finds it, or going back from one.
TEST_F(ViewStoreTest, AStoreOfAnotherFormatIsMadeAnew) {
  ASSERT_TRUE(store_->write({{"list", 1, {{"a", "1"}}}}, at(5)));
  ASSERT_TRUE(store_->flush());
  store_.reset();
  const std::string path = directory_->views().string();
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open({}, path, families, &handles, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  int formats = 0;
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    std::string format;
    if (db->Get({}, handle, "F", &format).ok() && format.starts_with("taskledger views ")) {
      ++formats;
      ASSERT_TRUE(db->Put({}, handle, "F", "taskledger views 1").ok());
    }
  }
  ASSERT_EQ(formats, 1);
  for (rocksdb::ColumnFamilyHandle* handle : handles) ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
  ASSERT_TRUE(db->Close().ok());
  EXPECT_EQ(reopen(), "views have another format ('taskledger views 1')");
  EXPECT_EQ(rows(1), "");
  EXPECT_EQ(*store_->checkpoint("list", 1), std::nullopt);
  EXPECT_EQ(reopen(), "");
}

TEST_F(ViewStoreTest, ADamagedStoreIsMadeAnew) {
  ASSERT_TRUE(store_->write({{"list", 1, {{"a", "1"}}}}, at(5)));
  store_.reset();
  std::ofstream(directory_->views() / "CURRENT") << "nonsense\n";
  EXPECT_NE(reopen(), "");
  EXPECT_EQ(rows(1), "");
  EXPECT_EQ(*store_->checkpoint("list", 1), std::nullopt);
  ASSERT_TRUE(store_->write({{"list", 1, {{"a", "2"}}}}, at(1)));
  EXPECT_EQ(rows(1), "a=2 ");
}

TEST_F(ViewStoreTest, ADamagedStoreIsKeptWhereNothingIsToChange) {
  ViewOptions keep;
  keep.keep_damaged = true;
  EXPECT_EQ(reopen(keep), "");
  ASSERT_TRUE(store_->write({{"list", 1, {{"a", "1"}}}}, at(5)));
  store_.reset();
  const auto current = directory_->views() / "CURRENT";
  const auto refused = [&] {
    const auto opened = open_view_store(*directory_, keep);
    return opened ? "" : opened.error().what;
  };
  std::filesystem::rename(current, temporary_.path() / "CURRENT");
  EXPECT_THAT(refused(), testing::HasSubstr("No such file or directory"));
  std::ofstream(current) << "nonsense\n";
  EXPECT_THAT(refused(), testing::HasSubstr("the read models cannot be opened: "));
  std::filesystem::rename(temporary_.path() / "CURRENT", current);
  EXPECT_EQ(reopen(keep), "");
  EXPECT_EQ(rows(1), "a=1 ");
}

// Refuses to open one file or folder, as where a process has no descriptor left at that moment.
class Refusing final : public rocksdb::EnvWrapper {
 public:
  Refusing() : EnvWrapper(rocksdb::Env::Default()) {}
  rocksdb::Status NewSequentialFile(const std::string& file, std::unique_ptr<rocksdb::SequentialFile>* result,
                                    const rocksdb::EnvOptions& options) override {
    return is_due() ? refused() : EnvWrapper::NewSequentialFile(file, result, options);
  }
  rocksdb::Status NewRandomAccessFile(const std::string& file, std::unique_ptr<rocksdb::RandomAccessFile>* result,
                                      const rocksdb::EnvOptions& options) override {
    return is_due() ? refused() : EnvWrapper::NewRandomAccessFile(file, result, options);
  }
  rocksdb::Status GetChildren(const std::string& folder, std::vector<std::string>* result) override {
    return is_due() ? refused() : EnvWrapper::GetChildren(folder, result);
  }
  void refuse(int nth) { left_ = nth; }
  [[nodiscard]] bool has_refused() const { return left_ < 0; }

 private:
  bool is_due() { return left_-- == 0; }
  static rocksdb::Status refused() { return rocksdb::Status::IOError("open", "Too many open files"); }
  std::atomic<int> left_ = 0;
};

TEST_F(ViewStoreTest, AStoreThatOnlyCannotBeReadNowIsKept) {
  ASSERT_TRUE(store_->write({{"list", 1, {{"a", "1"}}}}, at(5)));
  ASSERT_TRUE(store_->flush());
  store_.reset();
  Refusing env;
  ViewOptions options;
  options.env = &env;
  int refusals = 0;
  for (bool refused = true; refused; ++refusals) {
    ASSERT_LT(refusals, 200);
    env.refuse(refusals);
    auto views = open_view_store(*directory_, options);
    refused = env.has_refused();
    if (views) {
      EXPECT_EQ(views->discarded, "") << refusals;
    } else {
      EXPECT_THAT(views.error().what, testing::AnyOf(testing::HasSubstr("Too many open files"),
                                                     testing::HasSubstr("Direct I/O is not supported")))
          << "RocksDB's word for a file that it could not open";
    }
  }
  EXPECT_GT(refusals, 5) << "of the folder, the list of files, its own, and a table";
  EXPECT_EQ(reopen(), "");
  EXPECT_EQ(rows(1), "a=1 ");
  EXPECT_EQ((*store_->checkpoint("list", 1))->position.value, 5u);
}

}  // namespace
}  // namespace taskledger::storage
