// LineReader and Output: plain and gzip, long lines, damage, and that nothing half-written gets a name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>

#include "app/cli.h"
#include "app/command.h"
#include "app/line_reader.h"
#include "app/output.h"

namespace {

// What fsync(2) was called of, in words; only while there is something that finds them.
std::function<std::string(const std::filesystem::path&)> synced_files;
std::vector<std::string> synced;

}  // namespace

// In the place of the C library's.
extern "C" int fsync(int file) {
  if (synced_files)
    synced.push_back(synced_files(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file))));
  return static_cast<int>(::syscall(SYS_fsync, file));
}

namespace taskledger::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Files : public testing::Test {
 protected:
  Files() {
    std::string name = (std::filesystem::temp_directory_path() / "taskledger-app-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Files() override { std::filesystem::remove_all(folder_); }
  std::string put(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }
  static std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  static std::vector<std::string> lines(const std::string& path) {
    LineReader reader(path);
    std::vector<std::string> all;
    for (std::string_view line; reader.next(line);) all.emplace_back(line);
    EXPECT_EQ(reader.line_number(), all.size());
    return all;
  }
  static std::string failure(const std::string& path) {
    try {
      lines(path);
    } catch (const Failed& failed) {
      return failed.what();
    }
    return "";
  }
  std::filesystem::path folder_;
};

TEST_F(Files, LinesEndInLfOrCrLfAndTheLastNeedsNone) {
  EXPECT_THAT(lines(put("a", "one\ntwo\r\n\nfour")), ElementsAre("one", "two", "", "four"));
  EXPECT_THAT(lines(put("b", "one\n")), ElementsAre("one"));
  EXPECT_THAT(lines(put("c", "")), ElementsAre());
  EXPECT_THAT(lines(put("d", "\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo\n")), ElementsAre("one", "\xEF\xBB\xBFtwo"))
      << "as editors mark UTF-8";
}

TEST_F(Files, ManyLinesAcrossBuffersComeBackAsWritten) {
  for (const char* name : {"many.ndjson", "many.ndjson.gz"}) {
    const std::string path = (folder_ / name).string();
    Output output(path);
    std::vector<std::string> expected;
    for (int i = 0; i < 20000; ++i) {
      expected.push_back(std::string(static_cast<std::size_t>(i % 997), 'x') + std::to_string(i));
      output.write(expected.back() + "\n");
    }
    output.finish();
    EXPECT_EQ(lines(path), expected) << name;
  }
}

TEST_F(Files, GzipIsToldByContent) {
  Output output((folder_ / "x.gz").string());
  output.write("one\ntwo\n");
  output.finish();
  std::filesystem::rename(folder_ / "x.gz", folder_ / "x.ndjson");
  EXPECT_THAT(lines((folder_ / "x.ndjson").string()), ElementsAre("one", "two"));
}

TEST_F(Files, DamageIsNamed) {
  EXPECT_THAT(failure((folder_ / "absent").string()), HasSubstr("absent: No such file"));
  EXPECT_THAT(failure(folder_.string()), HasSubstr("is a directory"));
  EXPECT_THAT(failure(put("long", std::string(kMaxLineBytes, 'x') + "\n")), "");
  EXPECT_THAT(failure(put("longer", "one\n" + std::string(kMaxLineBytes + 1, 'x') + "\n")),
              HasSubstr("longer:2: longer than"));
  {
    Output output((folder_ / "cut.gz").string());
    for (int i = 0; i < 50000; ++i) output.write(std::to_string(i * 7919) + "\n");
    output.finish();
  }
  std::filesystem::resize_file(folder_ / "cut.gz", std::filesystem::file_size(folder_ / "cut.gz") / 2);
  EXPECT_THAT(failure((folder_ / "cut.gz").string()), HasSubstr("ends too early"));
}

// What gzread takes for the end of a file without a word: the rest of a history would be missing.
TEST_F(Files, WhatFollowsTheGzipDataIsNotPassedOver) {
  const auto packed = [&](const std::string& text) {
    const std::string path = (folder_ / "part.gz").string();
    Output output(path);
    output.write(text);
    output.finish();
    return content(path);
  };
  const std::string one = packed("one\n"), two = packed("two\n"), many = packed(std::string(300'000, 'x') + "\n");
  EXPECT_THAT(lines(put("members.gz", one + two)), ElementsAre("one", "two"));
  EXPECT_THAT(lines(put("many.gz", many + one + many)), testing::SizeIs(3));
  EXPECT_THAT(lines(put("padded.gz", one + std::string(600'000, '\0'))), ElementsAre("one"));
  std::string flipped = two, badcrc = one;
  flipped[0] ^= 1;
  badcrc[badcrc.size() - 8] ^= 1;
  EXPECT_THAT(failure(put("plain.gz", one + "two\n")), HasSubstr("plain.gz: trailing garbage after the gzip data"));
  EXPECT_THAT(failure(put("flipped.gz", one + flipped)), HasSubstr("flipped.gz: trailing garbage"));
  EXPECT_THAT(failure(put("byte.gz", one + '\x1f')), HasSubstr("byte.gz: trailing garbage"));
  EXPECT_THAT(failure(put("zeros.gz", one + std::string(600'000, '\0') + "x")), HasSubstr("trailing garbage"));
  EXPECT_THAT(failure(put("cut.gz", one + two.substr(0, two.size() - 1))), HasSubstr("ends too early"));
  EXPECT_THAT(failure(put("empty.gz", "")), HasSubstr("empty.gz: the gzip data ends too early: the file is empty"));
  EXPECT_EQ(failure(put("badcrc.gz", badcrc)),
            (folder_ / "badcrc.gz").string() + ": the gzip data is damaged: incorrect data check");
}

TEST_F(Files, AnOutputThatWasNotFinishedLeavesNothing) {
  const std::string path = put("kept", "old");
  {
    Output output(path);
    output.write("new");
  }
  EXPECT_EQ(content(path), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
  EXPECT_THROW(Output((folder_ / "no" / "where").string()), Failed);
}

// A power cut after the rename must not find the name without the content.
TEST_F(Files, AnOutputIsOnDiskBeforeItHasItsName) {
  for (const char* name : {"plain", "packed.gz"}) {
    const std::filesystem::path path = folder_ / name;
    Output output(path.string());
    output.write("text\n");
    synced_files = [&](const std::filesystem::path& file) {
      return file.filename().string() + (std::filesystem::exists(path) ? " named" : " unnamed");
    };
    synced.clear();
    output.finish();
    synced_files = {};
    EXPECT_THAT(synced, ElementsAre(std::string(name) + ".part unnamed", folder_.filename().string() + " named"));
    EXPECT_THAT(lines(path.string()), ElementsAre("text"));
  }
}

TEST_F(Files, AnOutputThatASignalEndsLeavesNothing) {
  const std::string path = put("kept", "old");
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EXIT(
        {
          signal(number, SIG_DFL);  // whoever runs the tests may ignore it, and then it stays ignored
          Output output(path);
          output.write("new");
          raise(number);
        },
        testing::KilledBySignal(number), "");
  }
  EXPECT_EQ(content(path), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(Files, WhatCannotBeOpenedIsSomebodyElsesAndStays) {
  const std::string path = (folder_ / "made").string();
  std::filesystem::create_symlink(folder_ / "no such folder" / "file", path + ".part");
  EXPECT_THROW(Output output(path), Failed);
  EXPECT_TRUE(std::filesystem::is_symlink(path + ".part"));
}

TEST_F(Files, TwoDoNotWriteOneOutput) {
  const std::string path = (folder_ / "made").string();
  std::optional<Output> first(std::in_place, path);
  first->write("first");
  EXPECT_THAT([&] { Output second(path); }, testing::ThrowsMessage<Failed>(path + ": another process is writing it"));
  first->finish();
  EXPECT_EQ(content(path), "first");
  first.reset();
  put("made.part", "left behind by one that was killed");
  Output second(path);
  second.write("second");
  second.finish();
  EXPECT_EQ(content(path), "second");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(Files, ALinkStaysOneWhereverItLeads) {
  const auto write = [](const std::string& path) {
    Output output(path);
    output.write("new");
    output.finish();
  };
  std::filesystem::create_directory(folder_ / "there");
  std::filesystem::create_symlink("second", folder_ / "first");
  std::filesystem::create_symlink(folder_ / "there" / "target", folder_ / "second");
  for (const char* round : {"made", "replaced"}) {
    write((folder_ / "first").string());
    EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "first")) << round;
    EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "second")) << round;
    EXPECT_EQ(content((folder_ / "there" / "target").string()), "new") << round;
  }
  std::filesystem::create_symlink("loop", folder_ / "loop");
  EXPECT_THROW(write((folder_ / "loop").string()), Failed);
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "loop"));
}

TEST(Settings, FlagsHaveNamesInTheEnvironment) { EXPECT_EQ(environment_name("tls-cert"), "TASKLEDGER_TLS_CERT"); }

}  // namespace
}  // namespace taskledger::app
