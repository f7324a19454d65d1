// Every source file of the project keeps to the arrows; and the rules themselves find what they are there to find.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/architecture/include_rules.h"

namespace taskledger::architecture {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string read(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

TEST(Arrows, EverySourceFileKeepsToThem) {
  const std::filesystem::path root = TASKLEDGER_SOURCE_DIR;
  std::vector<std::string> found;
  std::size_t files = 0;
  for (const char* folder :
       {"app", "bench", "commands", "core", "http", "projections", "reactors", "storage", "tests"}) {
    if (!std::filesystem::exists(root / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      if (entry.path().extension() != ".h" && entry.path().extension() != ".cc") continue;
      ++files;
      for (auto& violation : violations(std::filesystem::relative(entry.path(), root).string(), read(entry.path())))
        found.push_back(std::move(violation));
    }
  }
  EXPECT_THAT(found, IsEmpty());
  EXPECT_GT(files, 50u) << "looked in the wrong place: " << root;
}

TEST(Arrows, AnIncludeUpwardsIsFound) {
  EXPECT_THAT(violations("core/task.cc", "#include \"storage/event_log.h\"\n"),
              ElementsAre(HasSubstr("core/task.cc:1: an include against")));
  EXPECT_THAT(violations("commands/x.cc", "\n #  include \"projections/runner.h\"\n"),
              ElementsAre(HasSubstr("commands/x.cc:2:")));
  EXPECT_THAT(violations("projections/x.cc", "#include \"commands/command_handler.h\"\n"),
              ElementsAre(HasSubstr("against the arrows")));
  EXPECT_THAT(violations("http/x.cc", "#include \"app/cli.h\"\n"), ElementsAre(HasSubstr("against the arrows")));
  EXPECT_THAT(violations("app/x.cc", "#include \"tests/e2e/harness.h\"\n"), ElementsAre(HasSubstr("its tests")));
  EXPECT_THAT(
      violations("http/x.cc", "#include \"commands/command_handler.h\"\n#include \"core/task.h\"\n#include <string>\n"),
      IsEmpty());
}

TEST(Arrows, LibrariesStayInTheirLayers) {
  EXPECT_THAT(violations("projections/x.cc", "#include <rocksdb/db.h>\n"),
              ElementsAre(HasSubstr("RocksDB belongs to storage")));
  EXPECT_THAT(violations("tests/e2e/x.cc", "#include <rocksdb/db.h>\n"),
              ElementsAre(HasSubstr("RocksDB belongs to storage")));
  EXPECT_THAT(violations("commands/x.cc", "#include <boost/asio/post.hpp>\n"),
              ElementsAre(HasSubstr("Asio and Beast")));
  EXPECT_THAT(violations("storage/x.cc", "#include <rocksdb/db.h>\n"), IsEmpty());
  EXPECT_THAT(violations("http/x.cc", "#include <boost/beast/http.hpp>\n"), IsEmpty());
}

TEST(Arrows, TheSystemClockIsReadInAppAlone) {
  EXPECT_THAT(violations("storage/x.cc", "auto now = std::chrono::system_clock::now();\n"),
              ElementsAre(HasSubstr("app alone")));
  EXPECT_THAT(violations("core/x.cc", "clock_gettime(CLOCK_REALTIME, &t);\n"), ElementsAre(HasSubstr("app alone")));
  EXPECT_THAT(violations("app/system.cc", "auto now = std::chrono::system_clock::now();\n"), IsEmpty());
}

TEST(Arrows, HeadersSayWhatTheyAreFor) {
  EXPECT_THAT(violations("core/x.h", "#pragma once\n"), ElementsAre(HasSubstr("opens with a comment")));
  EXPECT_THAT(violations("core/x.h", "// Purpose.\n"), ElementsAre(HasSubstr("#pragma once")));
}

}  // namespace
}  // namespace taskledger::architecture
