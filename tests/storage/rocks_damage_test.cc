// What the log on disk does when it is killed, torn, damaged, altered or locked.
#include <gmock/gmock.h>
#include <rocksdb/db.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "storage/head_mark.h"
#include "storage/log_reader.h"
#include "storage/log_tables.h"
#include "storage/rocks_event_log.h"
#include "storage/small_tables.h"
#include "storage/wal_check.h"
#include "tests/storage/damage.h"
#include "tests/storage/log_on_disk.h"
#include "tests/storage/wal_bytes.h"

namespace taskledger::storage {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// What a kill -9 leaves: the files as they stand while the log is open.
fs::path copy_of(const TemporaryDirectory& temporary) {
  const auto copy = temporary.path() / "copy";
  fs::copy(temporary.path() / "data", copy, fs::copy_options::recursive);
  return copy;
}
fs::path only_wal(const fs::path& data) {
  fs::path largest;
  for (const auto& entry : fs::directory_iterator(data / "log")) {
    if (entry.path().extension() == ".log" && (largest.empty() || entry.file_size() > fs::file_size(largest)))
      largest = entry.path();
  }
  return largest;
}

class RocksDamage : public testing::Test {
 protected:
  TemporaryDirectory temporary_;
  fs::path data_ = temporary_.path() / "data";
};

TEST_F(RocksDamage, AKilledProcessLosesNothingAcknowledged) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 50);
  const auto copy = copy_of(temporary_);
  auto again = open(copy);
  ASSERT_TRUE(again.log) << again.error;
  EXPECT_EQ(all_of(*again.log), all_of(*opened.log));
}

TEST_F(RocksDamage, ATornTailIsDroppedWhateverItsLength) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 20);
  const auto nineteen = [&] {
    std::string text;
    EXPECT_TRUE(opened.log->read_all({0}, {19}, [&](const Record& record) {
      text += line_of(record);
      return true;
    }));
    return text;
  }();
  const auto copy = copy_of(temporary_);
  fs::remove(copy / "head");
  const auto wal = only_wal(copy);
  const auto size = end_of_content(wal), filled = fs::file_size(wal);
  ASSERT_GT(filled, size) << "or it shows nothing";
  for (std::uintmax_t cut : {std::uintmax_t{1}, std::uintmax_t{100}, std::uintmax_t{300}}) {
    const auto torn = temporary_.path() / ("torn" + std::to_string(cut));
    fs::copy(copy, torn, fs::copy_options::recursive);
    fs::resize_file(only_wal(torn), size - cut);
    fs::resize_file(only_wal(torn), cut == 100 ? size : filled);  // the length got to the disk, the bytes did not
    auto again = open(torn);
    ASSERT_TRUE(again.log) << cut << ": " << again.error;
    EXPECT_EQ(all_of(*again.log), nineteen) << cut;
    ASSERT_TRUE(append(*again.log, commit_of(uuid(4), 3)));
  }
}

// Of a write over zeros that was not synced a power cut leaves any pages.
TEST_F(RocksDamage, AHoleInTheLastWriteIsATornTail) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 20);
  const auto before = all_of(*opened.log);
  const auto begins = end_of_content(only_wal(data_));
  ASSERT_TRUE(append(*opened.log, commit_of(uuid(77), 0, {R"({"title":")" + std::string(90'000, 'x') + "\"}"})));
  const auto copy = copy_of(temporary_);
  fs::remove(copy / "head");
  const auto ends = end_of_content(only_wal(copy));
  ASSERT_GT(ends, begins + 90'000);
  constexpr std::uintmax_t kPage = 4096;
  for (auto page = begins / kPage; page <= (ends - 1) / kPage; ++page) {
    SCOPED_TRACE(page);
    const auto torn = temporary_.path() / ("torn" + std::to_string(page));
    fs::copy(copy, torn, fs::copy_options::recursive);
    const auto from = std::max(begins, page * kPage);
    zero_bytes(only_wal(torn), from, (page + 1) * kPage - from);
    EXPECT_EQ(verify(torn), "ok: 20");
    auto again = open(torn);
    ASSERT_TRUE(again.log) << again.error;
    EXPECT_EQ(all_of(*again.log), before);
  }
}

// The reactors' rows are not synced one by one: of several any may be lost, and nothing else is.
TEST_F(RocksDamage, AHoleInTheReactorsRowsIsATornTail) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 20);
  const auto before = all_of(*opened.log);
  const auto begins = end_of_content(only_wal(data_));
  const auto store = opened.log->reactor_store();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->write({{"key" + std::to_string(i), std::string(100, 'v')}}));
  const auto copy = copy_of(temporary_);
  fs::remove(copy / "head");
  const auto zeros = [&](const char* name, std::uintmax_t from, std::uintmax_t bytes) {
    const auto torn = temporary_.path() / name;
    fs::copy(copy, torn, fs::copy_options::recursive);
    zero_bytes(only_wal(torn), from, bytes);
    return torn;
  };
  auto again = open(zeros("rows", begins + 150, 150));  // the end of one and the beginning of the next
  ASSERT_TRUE(again.log) << again.error;
  EXPECT_EQ(all_of(*again.log), before);
  EXPECT_EQ(*again.log->reactor_store()->get("key4"), std::nullopt);
  // A commit whose sync had not ended may be there without the rows before it.
  ASSERT_TRUE(append(*opened.log, commit_of(uuid(77), 0)));
  const auto with_commit = temporary_.path() / "with_commit";
  fs::copy(data_, with_commit, fs::copy_options::recursive);
  fs::remove(with_commit / "head");
  zero_bytes(only_wal(with_commit), begins + 150, 150);
  again = open(with_commit);
  ASSERT_TRUE(again.log) << again.error;
  EXPECT_EQ(all_of(*again.log), before);
  // The rows say that the commit before them was synced.
  EXPECT_THAT(open(zeros("commit", begins - 150, 300)).error, HasSubstr("before records that were acknowledged"));
}

TEST_F(RocksDamage, ACommitThatLaterRowsKnowOfIsMissedAtTheBeginningOfAWalToo) {
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    fill(*opened.log, 20);
  }
  auto opened = open(data_);  // which leaves the WAL empty
  ASSERT_TRUE(opened.log) << opened.error;
  ASSERT_TRUE(append(*opened.log, commit_of(uuid(77), 0)));
  ASSERT_TRUE(opened.log->reactor_store()->write({{"key", "value"}}));
  const auto copy = copy_of(temporary_);
  fs::remove(copy / "head");
  zero_bytes(only_wal(copy), 0, 50);
  EXPECT_THAT(open(copy).error,
              AllOf(StartsWith("log ends at position 20, but 21 was acknowledged"), HasSubstr("is torn at byte 0")));
}

TEST_F(RocksDamage, ZerosInTheMiddleOfTheWalAreRefusedByName) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 50);
  const auto copy = copy_of(temporary_);
  const auto wal = only_wal(copy);
  zero_bytes(wal, end_of_content(wal) / 2, 1024);
  EXPECT_THAT(open(copy).error, HasSubstr(wal.string()));
  EXPECT_THAT(verify(copy), HasSubstr(wal.string()));
}

TEST_F(RocksDamage, DamageInTheMiddleOfTheWalIsRefusedByName) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 50);
  const auto copy = copy_of(temporary_);
  const auto file = flip_byte(copy / "log", ".log");
  EXPECT_THAT(open(copy).error, HasSubstr(file));
  EXPECT_THAT(verify(copy), HasSubstr(file));
}

// A power cut leaves of what was not synced the pages that it likes. The head mark says what was synced.
class UnsyncedTail : public RocksDamage {
 protected:
  void SetUp() override {
    auto opened =
        open(data_, {}, LogOptions{}.merge_interval, [](LogOptions& options) { options.durability = Durability::os; });
    ASSERT_TRUE(opened.log) << opened.error;
    const auto store = opened.log->reactor_store();
    for (std::uint32_t i = 0; i < kRecords; ++i) {
      ASSERT_TRUE(append(*opened.log, commit_of(uuid(i), 0, {R"({"title":")" + std::string(300, 'x') + "\"}"})));
      ASSERT_TRUE(store->write({{"key", std::to_string(i)}}));
      if (i + 1 == kMarked) marked_ = fs::file_size(only_wal(data_));
      heads_.push_back(opened.log->head());
    }
    copy_ = copy_of(temporary_);
    mark(kMarked);
  }
  void mark(std::uint32_t position) {
    ASSERT_TRUE(write_head_mark(copy_ / "head", {{position}, heads_[position - 1].hash}));
  }
  // A page that never got to the disk.
  [[nodiscard]] fs::path without_page(std::uintmax_t at) const {
    const auto torn = temporary_.path() / ("torn" + std::to_string(at));
    fs::copy(copy_, torn, fs::copy_options::recursive);
    zero_bytes(only_wal(torn), at / kPage * kPage, kPage);
    return torn;
  }
  static constexpr std::uint32_t kRecords = 300, kMarked = 100;
  static constexpr std::uintmax_t kPage = 4096;
  fs::path copy_;
  std::uintmax_t marked_ = 0;  // where the WAL ended then
  std::vector<Head> heads_;
};

TEST_F(UnsyncedTail, IsDroppedFromItsFirstHoleOn) {
  const auto end = fs::file_size(only_wal(copy_));
  for (std::uintmax_t at = marked_ + kPage; at + 2 * kPage < end; at += 5 * kPage) {
    SCOPED_TRACE(at);
    const auto torn = without_page(at);
    EXPECT_THAT(verify(torn), HasSubstr("the next start of the server cuts it off"));
    std::uint64_t last = 0;
    {
      auto again = open(torn);
      ASSERT_TRUE(again.log) << again.error;
      last = again.log->head().position.value;
      EXPECT_GE(last, kMarked);
      EXPECT_LT(last, kRecords);
      EXPECT_EQ(again.log->head().hash, heads_[last - 1].hash);
    }
    EXPECT_EQ(verify(torn), "ok: " + std::to_string(last));
  }
}

TEST_F(UnsyncedTail, DoesNotBeginBeforeTheHeadMark) {
  const auto torn = without_page(marked_ - 3 * kPage);
  const auto wal = only_wal(torn);
  const auto size = fs::file_size(wal);
  for (const std::string& said : {open(torn).error, verify(torn)}) {
    EXPECT_THAT(said, HasSubstr(wal.string()));
    EXPECT_THAT(said, HasSubstr("before records that were acknowledged"));
  }
  EXPECT_EQ(fs::file_size(wal), size) << "nothing is cut off";
}

// A file is synced before the next one is made.
TEST_F(UnsyncedTail, EndsWhereTheNextFileBegins) {
  std::vector<std::string> records;
  const auto wal = only_wal(copy_);
  ASSERT_TRUE(check_wal(copy_ / "log", WalTail::keep, {}, nullptr, [&](std::string_view record) {
    records.emplace_back(record);
    return Result<void, ReadError>{};
  }));
  const auto write = [&](const fs::path& file, std::size_t from, std::size_t to) {
    std::string bytes;
    for (std::size_t i = from; i < to; ++i) add_record(bytes, records[i]);
    std::ofstream(file, std::ios::binary) << bytes;
    return bytes.size();
  };
  char next[16];
  std::snprintf(next, sizeof next, "%06d.log", std::stoi(wal.stem()) + 1);
  const auto size = write(wal, 0, records.size() * 2 / 3);
  write(wal.parent_path() / next, records.size() * 2 / 3, records.size());
  {
    const auto both = temporary_.path() / "both";
    fs::copy(copy_, both, fs::copy_options::recursive);
    auto opened = open(both);
    ASSERT_TRUE(opened.log) << opened.error;
    ASSERT_EQ(opened.log->head().position.value, kRecords) << "or it shows nothing";
  }
  const auto torn = temporary_.path() / "torn";
  fs::copy(copy_, torn, fs::copy_options::recursive);
  zero_bytes(torn / "log" / wal.filename(), size - 2 * kPage, kPage);
  EXPECT_THAT(open(torn).error, HasSubstr("before records that were acknowledged"));
}

// Nor does it go beyond what a record behind it says was synced, or where one says nothing, as those of earlier
// versions.
TEST_F(UnsyncedTail, EndsWhereSomethingWasSynced) {
  rocksdb::WriteBatch told, unnoted;
  note_synced(told, {kRecords});
  told.PutLogData("row");
  unnoted.PutLogData("row");
  for (const auto* batch : {&told, &unnoted}) {
    const auto torn = without_page(marked_ + 5 * kPage);
    std::string after = bytes_of(only_wal(torn));
    add_record(after, batch->Data());
    std::ofstream(only_wal(torn), std::ios::binary) << after;
    EXPECT_THAT(open(torn).error, HasSubstr("before records that were acknowledged"));
    fs::remove_all(torn);
  }
}

// A hole that the WAL does not show: files that were not synced may be lost one without the other.
TEST_F(RocksDamage, ARecordThatIsMissingSinceTheHeadMarkIsRefused) {
  std::optional<Head> early;
  {
    auto opened = open(data_);
    fill(*opened.log, 10);
    early = opened.log->head();
    for (std::uint32_t i = 0; i < 10; ++i) ASSERT_TRUE(append(*opened.log, commit_of(uuid(50 + i), 0)));
  }
  ASSERT_TRUE(write_head_mark(data_ / "head", {early->position, early->hash}));
  ASSERT_TRUE(open(data_).log);
  ASSERT_TRUE(write_head_mark(data_ / "head", {early->position, early->hash}));
  remove_record(data_, {15});
  EXPECT_THAT(open(data_).error, HasSubstr("position 15: record is missing"));
}

TEST_F(RocksDamage, ALostTailShowsAgainstTheHeadMark) {
  fs::path early;
  {
    auto opened = open(data_);
    fill(*opened.log, 10);
    early = copy_of(temporary_);
    ASSERT_TRUE(append(*opened.log, commit_of(uuid(9), 0)));
  }
  ASSERT_EQ(verify(data_), "ok: 11");
  fs::copy_file(data_ / "head", early / "head", fs::copy_options::overwrite_existing);
  EXPECT_THAT(open(early).error, StartsWith("log ends at position 10, but 11 was acknowledged"));
  EXPECT_THAT(verify(early), StartsWith("log ends at position 10, but 11 was acknowledged"));
}

TEST_F(RocksDamage, AnotherHistoryShowsAgainstTheHeadMark) {
  open(data_).log.reset();
  {
    auto opened = open(data_);
    fill(*opened.log, 3);
  }
  const auto other = temporary_.path() / "other";
  {
    auto opened = open(other);
    fill(*opened.log, 2);
    ASSERT_TRUE(append(*opened.log, commit_of(uuid(77), 0)));
    ASSERT_TRUE(append(*opened.log, commit_of(uuid(77), 1)));
  }
  fs::copy_file(data_ / "head", other / "head", fs::copy_options::overwrite_existing);
  EXPECT_THAT(open(other).error, StartsWith("position 3:"));
}

TEST_F(RocksDamage, ANewerFormatIsRefusedNamingBoth) {
  open(data_);
  std::ofstream(data_ / "format") << "taskledger data format 9\n";
  const auto error = open(data_).error;
  EXPECT_THAT(error, HasSubstr("format 9"));
  EXPECT_THAT(error, HasSubstr("up to 1"));
}

TEST_F(RocksDamage, ADirectoryInUseNamesItsProcess) {
  auto opened = open(data_);
  EXPECT_THAT(open(data_).error, HasSubstr("is in use by process " + std::to_string(::getpid())));
  auto reader = DataDirectory::open(data_, {DataDirectory::Access::reader, {}, {}});
  EXPECT_TRUE(reader);
  EXPECT_EQ(fs::status(data_ / "secret.key").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ((*reader)->secret_key(), opened.directory->secret_key());
}

TEST_F(RocksDamage, AChangedRecordIsNamedByItsPosition) {
  for (std::uint64_t position : {1u, 17u, 40u}) {
    const auto path = temporary_.path() / std::to_string(position);
    {
      auto opened = open(path);
      fill(*opened.log, 40);
    }
    ASSERT_EQ(verify(path), "ok: 40");
    change_record(path, {position}, "title", "tItle");
    EXPECT_THAT(verify(path), StartsWith("position " + std::to_string(position) + ": record was changed"));
  }
}

// Records are hashed 64 at a time, and looked at in their order after that.
TEST_F(RocksDamage, TheFirstBadRecordIsNamedWhereverItStandsAmongThoseHashedAtOnce) {
  {
    auto opened = open(data_);
    fill(*opened.log, 200);
  }
  for (const std::uint64_t position : {1u, 63u, 64u, 65u, 128u, 129u, 199u, 200u}) {
    change_record(data_, {position}, "title", "tItle");
    EXPECT_THAT(verify(data_), StartsWith("position " + std::to_string(position) + ": record was changed"));
    change_record(data_, {position}, "tItle", "title");
  }
  ASSERT_EQ(verify(data_), "ok: 200");
  remove_record(data_, {130});
  EXPECT_EQ(verify(data_), "position 130: record is missing");
  for (const std::uint64_t before : {1u, 63u, 64u, 127u, 128u, 129u}) {
    change_record(data_, {before}, "title", "tItle");
    // Who comes after the last one there would say that it was changed.
    const std::string expected = before == 129 ? "position 130: record is missing"
                                               : "position " + std::to_string(before) + ": record was changed";
    EXPECT_THAT(verify(data_), StartsWith(expected)) << before;
    change_record(data_, {before}, "tItle", "title");
  }
}

TEST_F(RocksDamage, ASummaryOfTheFeedThatDoesNotFitIsNamed) {
  for (const bool removed : {false, true}) {
    const auto path = temporary_.path() / (removed ? "removed" : "empty");
    {
      auto opened = open(path);
      for (std::uint64_t stream = 0; stream < 3; ++stream)
        ASSERT_TRUE(append(*opened.log, commit_of(uuid(stream), 0, std::vector<std::string>(200, "{}"))));
    }
    ASSERT_EQ(verify(path), "ok: 600");
    (removed ? remove_feed_block : empty_feed_block)(path, kWorkspace, 1);
    EXPECT_EQ(verify(path), "position 512: the feed's summary of the events up to this one does not fit them");
  }
}

// A record is erased outside the chains, so that it can be; that it was is inside them.
TEST_F(RocksDamage, ContentThatIsGoneWithoutAnErasureIsNamed) {
  const std::uint32_t records = 30'000;  // a task, so that there are several stretches to join
  {
    auto opened = open(data_);
    for (std::uint64_t task = 1; task <= 3; ++task)
      ASSERT_TRUE(append(*opened.log, commit_of(uuid(task), 0, std::vector<std::string>(records, "{}"))));
    Commit system = commit_of(uuid(9), 0, {R"({"type":"TokenRevoked"})"}, kSystemWorkspace);
    system.records.front().type = kSystemRecord;
    ASSERT_TRUE(append(*opened.log, system));
    ASSERT_TRUE(append(*opened.log, erasure_of(uuid(1), records)));
  }
  ASSERT_EQ(verify(data_), "ok: 90002");
  // The erasure itself last: nothing of the task is explained then.
  for (const std::uint64_t position : {90'001, 90'000, 60'001, 45'000, 90'002}) {
    erase_record(data_, {position});
    const std::uint64_t named = position == 90'002 ? 1 : position;
    EXPECT_EQ(verify(data_), "position " + std::to_string(named) + ": its content is gone, and no erasure says so");
  }
}

TEST_F(RocksDamage, AFlippedByteOfATableIsNamedByItsFile) {
  {
    auto opened = open(data_);
    fill(*opened.log, 200);
  }
  flush_log(data_);
  const auto file = flip_byte(data_ / "log", ".sst", 0.4);
  const auto name = fs::path(file).filename().string();
  EXPECT_THAT(verify(data_), HasSubstr(name));
  auto opened = open(data_);
  const auto text = opened.log ? all_of(*opened.log) : opened.error;
  EXPECT_THAT(text, HasSubstr(name));
}

TEST_F(RocksDamage, ErasedBytesAreInNoFile) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  ASSERT_TRUE(append(*opened.log, commit_of(uuid(1), 0, {R"({"title":"very-secret-word"})", "{}"})));
  ASSERT_TRUE(append(*opened.log, commit_of(uuid(2), 0, {R"({"title":"staying-word"})"})));
  ASSERT_TRUE(any_file_holds(data_, "very-secret-word"));
  ASSERT_TRUE(append(*opened.log, erasure_of(uuid(1), 2)));
  EXPECT_FALSE(any_file_holds(data_, "very-secret-word"));
  EXPECT_TRUE(any_file_holds(data_, "staying-word"));
  EXPECT_EQ(verify(data_), "ok: 4");
}

TEST_F(RocksDamage, ABulkAppendKilledHalfWayLeavesNothing) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 5);
  const auto before = all_of(*opened.log);
  auto bulk = opened.log->begin_bulk(kWorkspace);
  ASSERT_TRUE(bulk);
  NewRecord record = record_of(uuid(1000), std::string(1000, 'x'));
  record.time = Timestamp{1};
  for (std::uint64_t i = 0; i < 100'000; ++i) {  // enough for memtables to be flushed
    record.stream = uuid(1000 + i);
    ASSERT_TRUE((*bulk)->add(kActor, {1}, record));
  }
  const auto copy = copy_of(temporary_);
  auto again = open(copy);
  ASSERT_TRUE(again.log) << again.error;
  EXPECT_EQ(all_of(*again.log), before);
  ASSERT_TRUE(append(*again.log, commit_of(uuid(1000), 0)));
  EXPECT_EQ(workspace_of(*again.log, kWorkspace, 5), "6.6 w7 232@1 t1 {}\n");
  again = {};
  EXPECT_EQ(verify(copy), "ok: 6");
  ASSERT_TRUE((*bulk)->finish());
  bulk->reset();
  EXPECT_EQ(opened.log->head().position.value, 100'005u);
  EXPECT_EQ(verify(data_), "ok: 100005");
}

// What was never acknowledged goes whole, though it cannot be read: its index rows would be in the way of what follows.
TEST_F(RocksDamage, LeftoversThatAreDamagedGoWithTheirIndexRows) {
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    fill(*opened.log, 5);
  }
  leave_damaged_leftover(data_, kWorkspace, uuid(1000));
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  EXPECT_EQ(stream_of(*opened.log, uuid(1000)), "");
  EXPECT_TRUE(append(*opened.log, commit_of(uuid(1000), 0)));
  EXPECT_EQ(workspace_of(*opened.log, kWorkspace, 5), "6.6 w7 232@1 t1 {}\n");
  opened = {};
  EXPECT_EQ(verify(data_), "ok: 6");
}

// Expired rows that cannot be removed are in nobody's way.
TEST_F(RocksDamage, ADamagedIdempotencyTableStopsNoWrites) {
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    std::vector<std::uint8_t> value(100'000);
    seeded_random(3)(value);
    Commit commit = commit_of(uuid(1), 0);
    commit.idempotency = {"key", std::string(value.begin(), value.end()), {1'500'000}};
    ASSERT_TRUE(append(*opened.log, commit));
  }
  flush_log(data_);
  flip_byte(data_ / "log", ".sst");
  SetClock later;
  later.ms->store(2'000'000);
  for (std::uint32_t start = 0; start < 2; ++start) {
    auto opened = open(data_, later);
    ASSERT_TRUE(opened.log) << opened.error;
    for (std::uint32_t i = 0; i < 3; ++i)
      EXPECT_TRUE(append(*opened.log, commit_of(uuid(2), 3 * start + i))) << opened.log->failure().value_or("");
  }
  EXPECT_EQ(open(data_).log->head().position.value, 7u);
  EXPECT_THAT(verify(data_), HasSubstr(".sst")) << "which names it";
}

TEST_F(RocksDamage, AKeyOfAnotherSizeIsRefusedByReadersToo) {
  ASSERT_TRUE(open(data_).log);
  std::ofstream(data_ / "secret.key", std::ios::binary | std::ios::trunc) << "short";
  EXPECT_THAT(verify(data_), HasSubstr("secret.key"));
  fs::remove(data_ / "secret.key");
  EXPECT_EQ(verify(data_), "ok: 0") << "who only reads needs none";
}

TEST_F(RocksDamage, AReaderBesideTheWriterSeesOnlyWholeStates) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 10);
  auto directory = DataDirectory::open(data_, {DataDirectory::Access::reader, {}, {}});
  ASSERT_TRUE(directory);
  auto reader = open_log_reader(**directory);
  ASSERT_TRUE(reader) << reader.error().what;
  EXPECT_EQ(all_of(**reader), all_of(*opened.log));
  fill(*opened.log, 0);
  ASSERT_TRUE(append(*opened.log, commit_of(uuid(0), 2)));
  EXPECT_EQ((*reader)->head().position.value, 10u);
  ASSERT_TRUE((*reader)->catch_up());
  EXPECT_EQ(all_of(**reader), all_of(*opened.log));
  const auto kept = (*reader)->workspace_head(kWorkspace);
  ASSERT_TRUE(append(*opened.log, commit_of(uuid(0), 3)));
  EXPECT_TRUE(verify_kept_head(*opened.log, kWorkspace, kept));
  auto wrong = kept;
  wrong.hash[0] ^= 1;
  EXPECT_FALSE(verify_kept_head(*opened.log, kWorkspace, wrong));
}

// RocksDB's readers take a table that they cannot open for an empty one: an export would be empty, and no error.
TEST_F(RocksDamage, AReaderNamesTheTableThatIsDamagedOrMissing) {
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    fill(*opened.log, 10);
  }
  flush_log(data_);
  std::size_t tables = 0;
  for (const auto& entry : fs::directory_iterator(data_ / "log")) {
    if (entry.path().extension() != ".sst") continue;
    ++tables;
    const std::string name = entry.path().stem();
    for (const bool missing : {false, true}) {
      SCOPED_TRACE(name + (missing ? " missing" : " damaged"));
      const auto copy = temporary_.path() / (name + (missing ? "m" : "d"));
      fs::copy(data_, copy, fs::copy_options::recursive);
      const auto file = copy / "log" / entry.path().filename();
      if (missing) {
        fs::remove(file);
      } else {
        std::fstream table(file, std::ios::in | std::ios::out | std::ios::binary);
        table.seekp(-4, std::ios::end);  // in what says that it is a table
        table << "!";
      }
      auto directory = DataDirectory::open(copy, {DataDirectory::Access::reader, {}, {}});
      ASSERT_TRUE(directory);
      auto reader = open_log_reader(**directory);
      ASSERT_FALSE(reader);
      EXPECT_THAT(reader.error().what, HasSubstr(name));
      EXPECT_THAT(verify(copy), HasSubstr(name));
    }
  }
  EXPECT_GE(tables, 4u);
  EXPECT_EQ(verify(data_), "ok: 10");
}

std::size_t tables_in(const fs::path& data) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(data / "log")) count += entry.path().extension() == ".sst";
  return count;
}

// Each flush makes a file a table, and keys that only ascend never bring two of them together by themselves.
// As a start leaves it that is killed when it makes the log.
TEST_F(RocksDamage, ALogThatWasNeverCompletedIsSaidToBeSoAndCompleted) {
  ASSERT_TRUE(open(data_).log);
  fs::remove_all(data_ / "log");
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* made = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, (data_ / "log").string(), &made).ok());
  delete made;
  EXPECT_THAT(verify(data_), HasSubstr("lacks tables: the start that made it was killed"));
  ASSERT_TRUE(open(data_).log);
  EXPECT_EQ(verify(data_), "ok: 0");
}

TEST_F(RocksDamage, FlushesDoNotLeaveAFileEachForEver) {
  auto opened = open(data_, {}, std::chrono::milliseconds(10));
  ASSERT_TRUE(opened.log) << opened.error;
  constexpr std::uint32_t kFlushes = 40;
  for (std::uint32_t i = 0; i < kFlushes; ++i) {
    ASSERT_TRUE(append(*opened.log, commit_of(uuid(i), 0)));
    ASSERT_TRUE(opened.log->back_up(temporary_.path() / "backups"));  // which flushes
  }
  for (int i = 0; i < 500 && tables_in(data_) > 5 * kManySmallTables; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_LE(tables_in(data_), 5 * kManySmallTables) << "of 120";
  opened = {};
  EXPECT_EQ(verify(data_), "ok: 40");
}

// However fast they come: what is merged now and then would come too late, or never find nobody purging.
TEST_F(RocksDamage, NorDoErasures) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  constexpr std::uint32_t kErasures = 60;
  for (std::uint32_t i = 0; i < kErasures; ++i) {
    ASSERT_TRUE(append(*opened.log, commit_of(uuid(i), 0)));
    ASSERT_TRUE(append(*opened.log, erasure_of(uuid(i), 1)));
    EXPECT_LE(tables_in(data_), 6 * kManySmallTables) << "of 180 in the end";
  }
  opened = {};
  EXPECT_EQ(verify(data_), "ok: 120");
}

// RocksDB stops all writes when a compaction meets a damaged block: merging must not look for trouble.
TEST_F(RocksDamage, ADamagedTableIsNotMergedAndStopsNoWrites) {
  {
    auto opened = open(data_, {}, std::chrono::hours(1));
    ASSERT_TRUE(opened.log) << opened.error;
    for (std::uint32_t i = 0; i < 3 * kManySmallTables; ++i) {
      const std::string payload(i == kManySmallTables ? 3000 : 10, 'x');
      ASSERT_TRUE(append(*opened.log, commit_of(uuid(i), 0, {R"({"title":")" + payload + "\"}"})));
      ASSERT_TRUE(opened.log->back_up(temporary_.path() / "backups"));  // which flushes
    }
  }
  const std::size_t before = tables_in(data_);
  flip_byte(data_ / "log", ".sst", 0.3);  // the largest: that with the long title
  auto opened = open(data_, {}, std::chrono::milliseconds(10));
  ASSERT_TRUE(opened.log) << opened.error;
  for (int i = 0; i < 500 && tables_in(data_) > before - kManySmallTables; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_LE(tables_in(data_), before - kManySmallTables) << "the others are merged";
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Commit elsewhere = commit_of(uuid(1000), 0);  // the damaged one is needed by those of its own workspace
  elsewhere.workspace = kWorkspace.next();
  EXPECT_TRUE(append(*opened.log, std::move(elsewhere))) << opened.log->failure().value_or("");
}

TEST_F(RocksDamage, NeitherDoCommandsThatEndAtOnce) {
  constexpr std::uint32_t kCommands = 70;
  for (std::uint32_t i = 0; i < kCommands; ++i) {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    ASSERT_TRUE(append(*opened.log, commit_of(uuid(i), 0)));
  }
  EXPECT_LE(tables_in(data_), 100u) << "of 210";
  EXPECT_EQ(verify(data_), "ok: 70");
}

TEST_F(RocksDamage, AFullQueueAnswersAtOnce) {
  auto directory = DataDirectory::open(data_, exclusive());
  ASSERT_TRUE(directory);
  LogOptions options;
  options.clock = SetClock{};
  options.random = seeded_random(2);
  options.max_queued_commits = 2;
  auto log = open_event_log(**directory, options);
  ASSERT_TRUE(log);
  std::promise<void> entered, release;
  auto released = release.get_future().share();
  (*log)->append(commit_of(uuid(1), 0), [&](const auto&) {
    entered.set_value();
    released.wait();
  });
  entered.get_future().get();
  std::atomic<int> answered = 0;
  (*log)->append(commit_of(uuid(2), 0), [&](const auto& answer) { answered += answer.has_value(); });
  auto full = append(**log, commit_of(uuid(3), 0));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error(), AppendError::queue_full);
  release.set_value();
  log->reset();
  EXPECT_EQ(answered, 1);
}

// A log (or a backup) from before the reactors had a table: readers take it as it is, a writer makes the table.
TEST_F(RocksDamage, ALogFromBeforeTheReactorsIsReadAndOpened) {
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    fill(*opened.log, 5);
  }
  drop_reactors(data_);
  EXPECT_EQ(verify(data_), "ok: 5");
  auto directory = DataDirectory::open(data_, {DataDirectory::Access::reader, {}, {}});
  ASSERT_TRUE(directory) << directory.error().what;
  auto reader = open_log_reader(**directory, {});
  ASSERT_TRUE(reader) << reader.error().what;
  EXPECT_EQ((*reader)->head().position.value, 5u);
  EXPECT_TRUE(LogTables::open_read_only((data_ / "log").string(), *rocksdb::Env::Default()));
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  const auto store = opened.log->reactor_store();
  ASSERT_TRUE(store->write({{"key", "value"}}));
  EXPECT_EQ(**store->get("key"), "value");
}

}  // namespace
}  // namespace taskledger::storage
