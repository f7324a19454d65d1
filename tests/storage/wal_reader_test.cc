#include "storage/wal_reader.h"

#include <gmock/gmock.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <functional>
#include <random>

#include "tests/storage/wal_bytes.h"

namespace taskledger::storage {
namespace {

// What a file holds at the moment. `then`, if there is any, is done after each reading.
class Bytes final : public rocksdb::FSRandomAccessFile {
 public:
  Bytes(const std::string& bytes, const std::function<void()>& then) : bytes_(bytes), then_(then) {}
  rocksdb::IOStatus Read(std::uint64_t offset, std::size_t size, const rocksdb::IOOptions&, rocksdb::Slice* result,
                         char* scratch, rocksdb::IODebugContext*) const override {
    const std::size_t from = std::min<std::size_t>(offset, bytes_.size()), count = std::min(size, bytes_.size() - from);
    std::copy_n(bytes_.data() + from, count, scratch);
    *result = {scratch, count};
    if (then_) then_();
    return rocksdb::IOStatus::OK();
  }

 private:
  const std::string& bytes_;
  const std::function<void()>& then_;
};

class WalReader : public testing::Test {
 protected:
  // In pieces of `piece` bytes, up to where nothing more comes.
  std::string read_on(std::size_t piece = 32768) {
    std::string all, scratch(piece, '\0');
    for (;;) {
      rocksdb::Slice read;
      EXPECT_TRUE(reader_->Read(piece, {}, &read, scratch.data(), nullptr).ok());
      if (read.empty()) return all;
      all.append(read.data(), read.size());
    }
  }
  std::string file_;
  std::function<void()> then_;
  std::unique_ptr<rocksdb::FSSequentialFile> reader_ = make_wal_reader(std::make_unique<Bytes>(file_, then_));
};

TEST_F(WalReader, EndsWhereZerosBeginAndGoesOnWhenTheyAreWrittenOver) {
  std::string records;
  add_record(records, "one");
  file_ = records + std::string(100'000, '\0');
  EXPECT_EQ(read_on(), records);
  EXPECT_EQ(read_on(), "");
  const std::size_t before = records.size();
  add_record(records, std::string(70'000, 'x'));
  file_.replace(0, records.size(), records);
  EXPECT_EQ(read_on(), records.substr(before));
}

TEST_F(WalReader, ShowsNothingOfAFragmentThatIsBeingWritten) {
  add_record(file_, "one");
  const std::size_t whole = file_.size();
  add_record(file_, std::string(500, 'x'));
  const std::string later = file_;
  file_.replace(whole + 200, std::string::npos, std::string(5000, '\0'));
  EXPECT_EQ(read_on(), later.substr(0, whole));
  file_.replace(0, later.size(), later);
  EXPECT_EQ(read_on(), later.substr(whole));
}

TEST_F(WalReader, ShowsDamageThatRecordsFollowAsItIs) {
  for (int i = 0; i < 5; ++i) add_record(file_, std::string(20'000, 'x'));
  file_[25'000] = 'y';
  file_ += std::string(10'000, '\0');
  EXPECT_EQ(read_on(), file_);
}

// Between two looks at the file the writer may be as quick as it likes.
TEST_F(WalReader, TakesNoWriteThatIsUnderWayForDamage) {
  std::string records;
  for (int i = 0; i < 200; ++i) add_record(records, std::string(1 + 37 * (i % 50), 'x'));
  file_.assign(records.size() + 100'000, '\0');
  std::size_t written = 0;
  then_ = [&] {
    const std::size_t next = std::min(records.size(), written + 1'500);
    std::copy(records.begin() + static_cast<std::ptrdiff_t>(written),
              records.begin() + static_cast<std::ptrdiff_t>(next),
              file_.begin() + static_cast<std::ptrdiff_t>(written));
    written = next;
  };
  std::string read;
  while (written < records.size()) {
    read += read_on(500);
    ASSERT_EQ(read, file_.substr(0, read.size()));
    ASSERT_LE(read.size(), written + wal::kHeader);
  }
  read += read_on();
  EXPECT_EQ(read, records);
}

TEST_F(WalReader, SkipsNoFurther) {
  add_record(file_, "one");
  add_record(file_, "two");
  const std::string records = file_;
  file_ += std::string(1000, '\0');
  EXPECT_TRUE(reader_->Skip(10).ok());
  EXPECT_EQ(read_on(), records.substr(10));
  EXPECT_TRUE(reader_->Skip(100).ok());
  add_record(file_ = records, "three");
  EXPECT_EQ(read_on(), file_.substr(records.size()));
}

// Records of all lengths, written over zeros a few bytes at a time, as a reader may see it: what is read is always the
// beginning of what will have been written.
TEST_F(WalReader, SeesTheFileGrowWhateverItIsReadIn) {
  std::mt19937_64 random(7);
  std::string records;
  while (records.size() < 300'000) {
    const std::size_t size = random() % 8 == 0 ? random() % 90'000 : random() % 900;
    add_record(records, std::string(size, static_cast<char>(random() % 3)));  // zeros among them
  }
  const std::string later = records + std::string(50'000, '\0');
  file_.assign(later.size(), '\0');
  std::string read;
  for (std::size_t written = 0; written < records.size();) {
    const std::size_t next = std::min(records.size(), written + 1 + random() % 3'000);
    std::copy_n(records.begin() + static_cast<std::ptrdiff_t>(written), next - written,
                file_.begin() + static_cast<std::ptrdiff_t>(written));
    written = next;
    read += read_on(1 + random() % 40'000);
    ASSERT_EQ(read, later.substr(0, read.size()));
  }
  EXPECT_GE(read.size(), records.size());
}

}  // namespace
}  // namespace taskledger::storage
