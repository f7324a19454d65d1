// A log that lacks what was acknowledged is refused, and a start that is refused leaves it as it was: what is wrong may
// pass, or be put back.
#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "storage/bulk_append.h"
#include "tests/storage/damage.h"
#include "tests/storage/log_on_disk.h"
#include "tests/storage/told_lines.h"

namespace taskledger::storage {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// What the log consists of, by file.
std::map<std::string, std::string> contents(const fs::path& data) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(data / "log")) {
    const std::string name = entry.path().filename();
    if (entry.is_regular_file() && !name.starts_with("LOG") && name != "LOCK") files[name] = bytes_of(entry.path());
  }
  return files;
}

fs::path newest(const fs::path& data, std::string_view begin, std::string_view end) {
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(data / "log")) {
    const std::string name = entry.path().filename();
    if (name.starts_with(begin) && name.ends_with(end) && entry.file_size() > 0 &&
        (newest.empty() || name > newest.filename().string()))
      newest = entry.path();
  }
  return newest;
}

void bulk(EventLog& log, std::uint64_t records) {
  auto append = log.begin_bulk(kWorkspace);
  ASSERT_TRUE(append);
  NewRecord record = record_of({}, R"({"title":"imported"})");
  record.time = Timestamp{1};
  for (std::uint64_t i = 0; i < records; ++i) {
    record.stream = uuid(1000 + i);
    ASSERT_TRUE((*append)->add(kActor, {1}, record));
  }
  ASSERT_TRUE((*append)->finish());
}

class HeadCheck : public testing::Test {
 protected:
  fs::path copy(const std::string& name) const {
    auto to = temporary_.path() / name;
    fs::copy(data_, to, fs::copy_options::recursive);
    return to;
  }

  TemporaryDirectory temporary_;
  fs::path data_ = temporary_.path() / "data";
};

struct History {
  const char* name;
  bool bulk, flushed, more;
  bool shows_without_mark;  // that its tables are missing
};

class LostManifestTail : public HeadCheck, public testing::WithParamInterface<History> {};

// Wherever the MANIFEST ends too early: all events are there, or the start is refused and every file stays.
TEST_P(LostManifestTail, LosesNothingMore) {
  const History& history = GetParam();
  std::uint64_t events = 0;
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    fill(*opened.log, 10);
    if (history.bulk) bulk(*opened.log, 50);
    if (history.flushed) {
      ASSERT_TRUE(opened.log->back_up(temporary_.path() / "backups"));  // which flushes
    }
    if (history.more) {
      ASSERT_TRUE(append(*opened.log, commit_of(uuid(77), 0)));
    }
    events = opened.log->head().position.value;
  }
  ASSERT_EQ(verify(data_), "ok: " + std::to_string(events));
  const auto manifest = newest(data_, "MANIFEST-", "").filename();
  const auto size = fs::file_size(data_ / "log" / manifest);
  int refused = 0;
  for (const bool marked : {true, false}) {
    if (!marked && !history.shows_without_mark) continue;
    for (std::uintmax_t cut = 1; cut < size; cut += 23) {
      SCOPED_TRACE((marked ? "marked, cut " : "without mark, cut ") + std::to_string(cut));
      const auto damaged = copy((marked ? "m" : "n") + std::to_string(cut));
      if (!marked) fs::remove(damaged / "head");
      fs::resize_file(damaged / "log" / manifest, size - cut);
      const auto before = contents(damaged);
      const auto opened = open(damaged);
      if (opened.log) {
        EXPECT_EQ(opened.log->head().position.value, events);
        EXPECT_EQ(all_of(*opened.log).find("ERROR"), std::string::npos);
        continue;
      }
      ++refused;
      EXPECT_THAT(opened.error, testing::Not(testing::IsEmpty()));
      EXPECT_EQ(contents(damaged), before) << opened.error;
      fs::copy_file(data_ / "log" / manifest, damaged / "log" / manifest, fs::copy_options::overwrite_existing);
      EXPECT_EQ(verify(damaged), "ok: " + std::to_string(events)) << "the end is there again";
      fs::remove_all(damaged);
    }
  }
  EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Histories, LostManifestTail,
                         testing::Values(History{"Imported", true, false, false, true},
                                         History{"ImportedAndMore", true, false, true, true},
                                         History{"Flushed", false, true, false, false},
                                         History{"FlushedAndMore", false, true, true, true},
                                         History{"ImportedFlushedAndMore", true, true, true, true}),
                         [](const auto& one) { return one.param.name; });

// A read error that passes: the mark is asked before anything is cut off.
TEST_F(HeadCheck, ABadLastRecordThatWasAcknowledgedIsNotCutOff) {
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    fill(*opened.log, 20);
  }
  const auto wal = newest(data_, "", ".log");
  const std::string whole = bytes_of(wal);
  std::string wrong = whole;
  wrong[wrong.size() - 3] ^= 1;
  std::ofstream(wal, std::ios::binary) << wrong;
  const auto before = contents(data_);
  EXPECT_THAT(open(data_).error, AllOf(StartsWith("log ends at position 19, but 20 was acknowledged"),
                                       HasSubstr(wal.string() + " is torn at byte ")));
  EXPECT_EQ(contents(data_), before);
  std::ofstream(wal, std::ios::binary) << whole;
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  EXPECT_EQ(opened.log->head().position.value, 20u);
}

TEST_F(HeadCheck, TheRecordAtTheHeadIsLookedAt) {
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    fill(*opened.log, 5);
  }
  for (const bool flushed : {false, true}) {
    const auto missing = copy(flushed ? "missing-flushed" : "missing"), changed = copy(flushed ? "flushed" : "changed");
    remove_record(missing, {5});
    change_record(changed, {5}, "title", "tItle");
    if (flushed) {
      flush_log(missing);
      flush_log(changed);
    }
    EXPECT_THAT(open(missing).error, StartsWith("position 5: record is missing"));
    EXPECT_THAT(open(changed).error, StartsWith("position 5: "));
    fs::remove(changed / "head");
    EXPECT_EQ(open(changed).error, "position 5: record is not the one at the head of the log");
  }
}

TEST_F(HeadCheck, ALogThatIsGoneIsNotMadeAnew) {
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    fill(*opened.log, 5);
  }
  fs::remove_all(data_ / "log");
  EXPECT_THAT(open(data_).error, StartsWith("log ends at position 0, but 5 was acknowledged"));
  EXPECT_FALSE(fs::exists(data_ / "log"));
}

// DIR/lock keeps others out; whoever removes it must not have a log cut that somebody writes.
TEST_F(HeadCheck, ALogThatIsWrittenIsNotCut) {
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 5);
  fs::remove(data_ / "head");
  fs::remove(data_ / "lock");
  const auto wal = newest(data_, "", ".log");
  std::ofstream(wal, std::ios::binary | std::ios::app) << "half a record";
  const auto size = fs::file_size(wal);
  EXPECT_THAT(open(data_).error, HasSubstr("LOCK"));
  EXPECT_EQ(fs::file_size(wal), size);
}

TEST_F(HeadCheck, AMissingMarkIsTold) {
  {
    const ToldLines told;
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    fill(*opened.log, 5);
    opened = {};
    EXPECT_EQ(told.text(), "") << "there is none of a new log";
  }
  fs::remove(data_ / "head");
  const ToldLines told;
  ASSERT_TRUE(open(data_).log);
  EXPECT_THAT(told.text(),
              AllOf(StartsWith("warning " + (data_ / "head").string() + " is missing: "), HasSubstr("position 5")));
  EXPECT_EQ(told.lines(), 1);
  EXPECT_TRUE(fs::exists(data_ / "head")) << "it is made anew";
}

TEST_F(HeadCheck, AKeyOfZerosIsRefused) {
  ASSERT_TRUE(open(data_).log);
  std::ofstream(data_ / "secret.key", std::ios::binary | std::ios::trunc) << std::string(32, '\0');
  for (const std::string& error : {open(data_).error, verify(data_)})
    EXPECT_EQ(error, (data_ / "secret.key").string() + " is damaged: it holds zeros and no key");
}

// Who writes there is told, and so are the operator and whoever asks how the log is; others write on.
TEST_F(HeadCheck, AWorkspaceThatCannotBeWrittenIsTold) {
  {
    auto opened = open(data_);
    ASSERT_TRUE(opened.log) << opened.error;
    ASSERT_TRUE(append(*opened.log, commit_of(uuid(1), 0, std::vector<std::string>(9, "{}"))));
    ASSERT_TRUE(append(*opened.log, commit_of(uuid(2), 0, {"{}"}, kOther)));
  }
  remove_record(data_, {4});
  ToldLines told;
  auto opened = open(data_);
  ASSERT_TRUE(opened.log) << opened.error;
  EXPECT_EQ(opened.log->trouble(), std::nullopt);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto refused = append(*opened.log, commit_of(uuid(100 + i), 0));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), AppendError::unavailable);
    EXPECT_TRUE(append(*opened.log, commit_of(uuid(3 + i), 0, {"{}"}, kOther)));
  }
  EXPECT_EQ(opened.log->failure(), std::nullopt);
  EXPECT_THAT(opened.log->trouble().value_or(""),
              StartsWith("Workspace 7 cannot be written: position 4: record is missing"));
  opened = {};
  EXPECT_THAT(told.text(), StartsWith("error workspace 7 cannot be written: position 4: record is missing"));
  EXPECT_EQ(told.lines(), 1) << told.text();
}

}  // namespace
}  // namespace taskledger::storage
