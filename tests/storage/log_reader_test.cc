// A reader beside a writer that rewrites its tables.
#include "storage/log_reader.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <atomic>
#include <cstdlib>
#include <set>
#include <thread>

#include "storage/held_files.h"
#include "storage/log_tables.h"
#include "tests/storage/log_on_disk.h"

namespace taskledger::storage {
namespace {

// An erasure flushes the tables, rewrites some, removes the old ones and retires the WAL: RocksDB's secondary may miss
// what went from the one to the other meanwhile.
TEST(LogReader, NeverGoesBackWhileTablesAreRewritten) {
  constexpr std::uint32_t kErasures = 150, kOthers = 7;
  const TemporaryDirectory temporary;
  auto opened = open(temporary.path() / "data");
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 5);
  const auto directory = DataDirectory::open(temporary.path() / "data", {DataDirectory::Access::reader, {}, {}});
  ASSERT_TRUE(directory);
  const auto reader = open_log_reader(**directory);
  ASSERT_TRUE(reader) << reader.error().what;

  std::atomic<bool> written = false;
  std::thread writer([&] {
    for (std::uint32_t i = 0; i < kErasures; ++i) {
      for (std::uint32_t version = 0; version < kOthers; ++version)
        EXPECT_TRUE(append(*opened.log, commit_of(uuid(100 + i), version)));
      EXPECT_TRUE(append(*opened.log, erasure_of(uuid(100 + i), kOthers)));
    }
    written = true;
  });
  Position seen;
  for (bool last = false; !last && !testing::Test::HasFailure();) {
    last = written;
    const auto caught_up = (*reader)->catch_up();
    EXPECT_TRUE(caught_up) << caught_up.error().what;
    EXPECT_GE((*reader)->head().position, seen);
    const auto read = (*reader)->read_all(seen, (*reader)->head().position, [&](const Record& record) {
      EXPECT_EQ(record.position, seen.next());
      seen = record.position;
      return true;
    });
    EXPECT_TRUE(read) << read.error().what;
    EXPECT_EQ(seen, (*reader)->head().position);
  }
  writer.join();
  EXPECT_EQ(seen, opened.log->head().position) << "though nothing more is written that would bring it up";
  EXPECT_TRUE((*reader)->catch_up());
  EXPECT_TRUE(all_of(**reader) == all_of(*opened.log)) << "what is erased there, too";
}

TEST(LogReader, NamesWhatItCannotMakeItsOwnDirectoryIn) {
  const TemporaryDirectory temporary;
  { ASSERT_TRUE(open(temporary.path() / "data").log); }
  const auto directory = DataDirectory::open(temporary.path() / "data", {DataDirectory::Access::reader, {}, {}});
  ASSERT_TRUE(directory);
  const fs::path missing = temporary.path() / "missing";
  const auto in_missing = open_log_reader(**directory, {.clock = {}, .scratch = missing});
  ASSERT_FALSE(in_missing);
  EXPECT_EQ(in_missing.error().what, "cannot make a directory in " + missing.string() + ": No such file or directory");
  const char* const before = std::getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "";
  ::setenv("TMPDIR", missing.c_str(), 1);
  const auto in_none = open_log_reader(**directory);
  before != nullptr ? ::setenv("TMPDIR", kept.c_str(), 1) : ::unsetenv("TMPDIR");
  ASSERT_FALSE(in_none);
  EXPECT_EQ(in_none.error().what, "no directory for temporary files (TMPDIR): No such file or directory");
}

std::set<std::string> tables_and_wals(const fs::path& log) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(log)) {
    if (entry.path().extension() == ".sst" || entry.path().extension() == ".log") names.insert(entry.path().filename());
  }
  return names;
}

TEST(HeldFiles, AreOpenedAsTheyWereWhateverTheWriterRemovesSince) {
  const TemporaryDirectory temporary;
  const fs::path log = temporary.path() / "data" / "log", scratch = temporary.path() / "scratch";
  auto opened = open(temporary.path() / "data");
  ASSERT_TRUE(opened.log) << opened.error;
  fill(*opened.log, 5);
  ASSERT_TRUE(append(*opened.log, erasure_of(uuid(1), 1)));  // which leaves tables
  ASSERT_TRUE(append(*opened.log, commit_of(uuid(2), 1)));   // in the WAL
  const auto before = tables_and_wals(log);
  const auto held = HeldFiles::of(log);
  ASSERT_TRUE(held) << held.error().what;
  EXPECT_TRUE((*held)->are_those_of_the_writer());
  ASSERT_TRUE(append(*opened.log, commit_of(uuid(3), 1)));
  EXPECT_TRUE((*held)->are_those_of_the_writer()) << "all it did was to add to a WAL";
  ASSERT_TRUE(append(*opened.log, erasure_of(uuid(2), 2)));
  EXPECT_FALSE((*held)->are_those_of_the_writer());
  const auto after = tables_and_wals(log);
  EXPECT_TRUE(std::any_of(before.begin(), before.end(), [&](const auto& name) { return !after.contains(name); }))
      << "or this test shows nothing";

  TablesOptions options;
  options.env = &(*held)->env();
  fs::create_directory(scratch);
  {
    const auto tables = LogTables::open_secondary(log, scratch, options);
    ASSERT_TRUE(tables) << tables.error().what;
    (*held)->let_go_of_tables();
    const auto heads = (*tables)->head_rows();
    ASSERT_TRUE(heads) << heads.error().what;
    EXPECT_EQ(heads->head.position, Position{9}) << "the WAL that was the last one went on until it was retired";
    std::uint64_t records = 0;
    EXPECT_TRUE((*tables)->walk({}, heads->head.position, [&](const DecodedRecord&) { return ++records, true; }));
    EXPECT_EQ(records, heads->head.position.value);
  }
  EXPECT_EQ(verify(temporary.path() / "data"), "ok: 9");
}

TEST(HeldFiles, NameTheFileThatIsMissing) {
  const TemporaryDirectory temporary;
  { ASSERT_TRUE(open(temporary.path() / "data").log); }
  const fs::path log = temporary.path() / "data" / "log";
  for (const auto& entry : fs::directory_iterator(log)) {
    if (entry.path().filename().string().starts_with("MANIFEST")) fs::remove(entry.path());
  }
  const auto held = HeldFiles::of(log);
  ASSERT_FALSE(held);
  EXPECT_NE(held.error().what.find((log / "MANIFEST-").string()), std::string::npos) << held.error().what;
  EXPECT_FALSE(HeldFiles::of(temporary.path() / "nothing"));
}

}  // namespace
}  // namespace taskledger::storage
