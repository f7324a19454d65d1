#include "storage/wal_writer.h"

#include <gmock/gmock.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <filesystem>
#include <random>

#include "tests/storage/log_fixture.h"

namespace taskledger::storage {
namespace {

namespace fs = std::filesystem;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// A disk on which nothing but data finds room.
class NoRoomForZeros : public rocksdb::FileSystemWrapper {
 public:
  explicit NoRoomForZeros(int& tried) : FileSystemWrapper(FileSystem::Default()), tried_(tried) {}
  const char* Name() const override { return "NoRoomForZeros"; }
  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
    auto status = target()->NewWritableFile(name, options, file, debug);
    *file = std::make_unique<File>(std::move(*file), tried_);
    return status;
  }

 private:
  class File : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile> file, int& tried)
        : FSWritableFileOwnerWrapper(std::move(file)), tried_(tried) {}
    IOStatus PositionedAppend(const rocksdb::Slice& data, std::uint64_t at, const IOOptions& options,
                              IODebugContext* debug) override {
      if (data[0] == 0) return ++tried_, IOStatus::NoSpace("for zeros");
      return target()->PositionedAppend(data, at, options, debug);
    }

   private:
    int& tried_;
  };
  int& tried_;
};

class SyncsAreCounted : public rocksdb::FileSystemWrapper {
 public:
  SyncsAreCounted() : FileSystemWrapper(FileSystem::Default()) {}
  const char* Name() const override { return "SyncsAreCounted"; }
  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
    auto status = target()->NewWritableFile(name, options, file, debug);
    *file = std::make_unique<File>(std::move(*file), *this);
    return status;
  }
  int syncs = 0;
  bool fails = false;

 private:
  class File : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile> file, SyncsAreCounted& all)
        : FSWritableFileOwnerWrapper(std::move(file)), all_(all) {}
    IOStatus Sync(const IOOptions&, IODebugContext*) override {
      if (all_.fails) return IOStatus::IOError("no sync");
      return ++all_.syncs, IOStatus::OK();
    }

   private:
    SyncsAreCounted& all_;
  };
};

class WalWriter : public testing::Test {
 protected:
  void make(const std::string& name, std::uint64_t most,
            const std::shared_ptr<rocksdb::FileSystem>& base = rocksdb::FileSystem::Default()) {
    path_ = temporary_.path() / name;
    files_ = make_wal_writing_file_system(base, most);
    ASSERT_TRUE(files_->NewWritableFile(path_, {}, &file_, nullptr).ok());
  }
  void append(const std::string& bytes) {
    ASSERT_TRUE(file_->Append(bytes, {}, nullptr).ok());
    written_ += bytes;
  }
  [[nodiscard]] std::uint64_t size_told() const {
    std::uint64_t size = 0;
    EXPECT_TRUE(files_->GetFileSize(path_, {}, &size, nullptr).ok());
    return size;
  }
  [[nodiscard]] std::string read_all() const {
    std::unique_ptr<rocksdb::FSSequentialFile> reader;
    EXPECT_TRUE(files_->NewSequentialFile(path_, {}, &reader, nullptr).ok());
    std::string all, scratch(4, '\0');
    for (rocksdb::Slice read;;) {
      EXPECT_TRUE(reader->Read(scratch.size(), {}, &read, scratch.data(), nullptr).ok());
      if (read.empty()) return all;
      all.append(read.data(), read.size());
    }
  }
  // The zeros after what was written, which must be all that is there.
  std::uint64_t filled() {
    const std::string there = bytes_of(path_);
    EXPECT_EQ(there.substr(0, written_.size()), written_);
    EXPECT_EQ(there.find_first_not_of('\0', written_.size()), std::string::npos);
    return there.size() - written_.size();
  }
  const TemporaryDirectory temporary_;
  fs::path path_;
  std::shared_ptr<rocksdb::FileSystem> files_;
  std::unique_ptr<rocksdb::FSWritableFile> file_;
  std::string written_;
  int zeros_tried_ = 0;
};

TEST_F(WalWriter, IsFilledWithAsMuchAsItHoldsUpToTheMost) {
  make("000007.log", 100'000);
  append(std::string(1'000, 'a'));
  EXPECT_EQ(filled(), 65'536u);
  append(std::string(15'000, 'b'));
  EXPECT_EQ(filled(), 50'536u) << "written over";
  append(std::string(50'000, 'c'));
  EXPECT_EQ(filled(), 536u);
  append(std::string(14'000, 'd'));
  EXPECT_EQ(filled(), 80'000u);
  append(std::string(20'000, 'e'));
  append(std::string(20'000, 'e'));
  append(std::string(20'000, 'e'));
  append(std::string(20'000, 'e'));
  append(std::string(1, 'e'));
  EXPECT_EQ(filled(), 100'000u);
}

TEST_F(WalWriter, EndsWithWhatWasWrittenOnceItIsClosed) {
  make("000007.log", 1 << 20);
  append("one");
  append("two");
  EXPECT_EQ(size_told(), 6u);
  EXPECT_EQ(file_->GetFileSize({}, nullptr), 6u);
  EXPECT_EQ(fs::file_size(path_), 65'539u);
  EXPECT_EQ(read_all(), "onetwo") << "of what is open nothing but what was written is shown";
  ASSERT_TRUE(file_->Close({}, nullptr).ok());
  EXPECT_EQ(filled(), 0u);
  file_.reset();
  fs::resize_file(path_, 5);
  EXPECT_EQ(size_told(), 5u) << "of a file that is not open what the disk says";
}

TEST_F(WalWriter, IsNotFilledForALargeWrite) {
  make("000007.log", 1 << 20);
  append(std::string(40'000, 'a'));
  EXPECT_EQ(filled(), 0u);
  append(std::string(1'000'000, 'b'));
  EXPECT_EQ(filled(), 0u);
  append("c");
  EXPECT_EQ(filled(), 1'040'001u);
}

TEST_F(WalWriter, GoesOnWhereThereIsNoRoomForZeros) {
  make("000007.log", 1 << 20, std::make_shared<NoRoomForZeros>(zeros_tried_));
  append("one");
  append("two");
  EXPECT_EQ(filled(), 0u);
  EXPECT_EQ(zeros_tried_, 1) << "what room is left is for data";
  ASSERT_TRUE(file_->Close({}, nullptr).ok());
  EXPECT_EQ(filled(), 0u);
}

// So that a power cut can take something from the newest one only.
TEST_F(WalWriter, IsSyncedBeforeTheNextOneIsMade) {
  auto disk = std::make_shared<SyncsAreCounted>();
  for (const std::uint64_t most : {0, 1 << 20}) {
    make("000007.log", most, disk);
    disk->syncs = 0;
    const auto begin = [&](const char* name) {
      std::unique_ptr<rocksdb::FSWritableFile> next;
      return files_->NewWritableFile(temporary_.path() / name, {}, &next, nullptr);
    };
    EXPECT_TRUE(begin("000008.log").ok());
    EXPECT_EQ(disk->syncs, 0) << "there is nothing to sync";
    append("one");
    EXPECT_TRUE(begin("000009.sst").ok());
    EXPECT_EQ(disk->syncs, 0) << "a table is no WAL";
    EXPECT_TRUE(begin("000010.log").ok());
    EXPECT_EQ(disk->syncs, 1);
    EXPECT_TRUE(begin("000011.log").ok());
    EXPECT_EQ(disk->syncs, 1) << "it was synced";
    append("two");
    disk->fails = true;
    EXPECT_FALSE(begin("000012.log").ok());
    EXPECT_FALSE(fs::exists(temporary_.path() / "000012.log"));
    disk->fails = false;
    EXPECT_TRUE(file_->Sync({}, nullptr).ok());
    EXPECT_TRUE(begin("000013.log").ok());
    EXPECT_EQ(disk->syncs, 2) << "by who wrote it";
    ASSERT_TRUE(file_->Close({}, nullptr).ok());
    written_.clear();
  }
}

TEST_F(WalWriter, OtherFilesAreLeftAlone) {
  for (const char* name : {"000007.sst", "MANIFEST-000004", "LOG", "x.log"}) {
    make(name, 1 << 20);
    written_.clear();
    append("one");
    EXPECT_EQ(filled(), 0u) << name;
  }
}

TEST_F(WalWriter, HoldsWhatWasWrittenWhateverItsSizes) {
  std::mt19937_64 random(7);
  make("000007.log", 70'000);
  for (int i = 0; i < 400; ++i) {
    append(std::string(1 + random() % (random() % 16 == 0 ? 60'000 : 2'000), static_cast<char>('a' + i % 26)));
    if (i % 20 == 0) {
      EXPECT_LE(filled(), 70'000u);
      EXPECT_TRUE(file_->Sync({}, nullptr).ok());
    }
    EXPECT_EQ(size_told(), written_.size());
  }
  ASSERT_TRUE(file_->Close({}, nullptr).ok());
  EXPECT_EQ(bytes_of(path_), written_);
}

}  // namespace
}  // namespace taskledger::storage
