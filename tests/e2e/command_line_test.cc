// The command line: help and version everywhere, exit codes, one line on stderr, precedence of settings, tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr auto kUser = "0a000000-0000-4000-8000-000000000001";

void expect_one_line(const std::string& err) {
  EXPECT_THAT(err, StartsWith("taskledger: "));
  EXPECT_EQ(lines_of(err).size(), 1u) << err;
}

TEST(CommandLine, HelpAndVersionAreEverywhere) {
  const Finished help = taskledger({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* command : {"serve", "token", "import", "export", "events", "verify", "rebuild", "stats"}) {
    EXPECT_THAT(help.out, HasSubstr(command));
    const Finished own = taskledger({command, "--help"});
    EXPECT_EQ(own.exit_code, 0) << command;
    EXPECT_THAT(own.out, HasSubstr("--data")) << command;
    const Finished version = taskledger({command, "--version"});
    EXPECT_EQ(version.exit_code, 0) << command;
    EXPECT_THAT(version.out, StartsWith("taskledger ")) << command;
  }
  EXPECT_THAT(taskledger({"token", "create", "--help"}).out, HasSubstr("--scopes"));
}

TEST(CommandLine, WrongUsageIsTwo) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"surf"},
      {"serve"},
      {"serve", "--data", data, "--surf"},
      {"serve", "--data", data, "--listen", "nowhere"},
      {"serve", "--data", data, "--durability", "maybe"},
      {"serve", "--data", data, "--threads", "many"},
      {"serve", "--data", data, "--tls-cert", "x.pem"},
      {"serve", "--data", data, "--config", directory / "absent.toml"},
      {"token", "create", "--data", data, "--workspace", "acme", "--user", "me"},
      {"token", "create", "--data", data, "--workspace", "acme", "--user", kUser, "--scopes", "tasks:fly"},
      {"token", "create", "--data", data, "--workspace", "acme", "--user", kUser, "--timezone", "Mars/Olympus"},
      {"token", "create", "--data", data, "--workspace", "acme", "--user", kUser, "--expires", "soon"},
      {"token", "create", "--data", data, "--user", kUser},
      {"token", "revoke", "--data", data, "no-uuid"},
      {"export", "--data", data, "--after", "-1"},
      {"rebuild", "--data", data, "--projection", "weather"},
  };
  for (const auto& arguments : wrong) {
    const Finished refused = taskledger(arguments);
    EXPECT_EQ(refused.exit_code, 2) << testing::PrintToString(arguments) << refused.err;
    expect_one_line(refused.err);
    EXPECT_THAT(refused.out, IsEmpty());
  }
}

TEST(CommandLine, WhatFailsIsOne) {
  const TemporaryDirectory directory;
  const std::string data = directory / "absent";
  const std::vector<std::vector<std::string>> failing = {
      {"verify", "--data", data},
      {"export", "--data", data},
      {"events", "--data", data},
      {"stats", "--data", data},
      {"import", "--data", data, "--workspace", "acme", directory / "absent.ndjson"},
      {"token", "list", "--url", "http://127.0.0.1:1", "--token", "ksr_x"},
  };
  for (const auto& arguments : failing) {
    const Finished failed = taskledger(arguments);
    EXPECT_EQ(failed.exit_code, 1) << testing::PrintToString(arguments) << failed.err;
    expect_one_line(failed.err);
  }
}

// A mistyped directory or key is neither taken for an empty one nor made.
TEST(CommandLine, WhatMustBeThereIsNotMade) {
  const TemporaryDirectory directory;
  const std::string absent = directory / "absent", empty = directory / "empty", key = directory / "typo.key";
  ASSERT_TRUE(std::filesystem::create_directory(empty));
  for (const std::string& data : {absent, empty}) {
    for (const std::vector<std::string>& command : {std::vector<std::string>{"stats"},
                                                    {"rebuild"},
                                                    {"rebuild", "--check"},
                                                    {"token", "list"},
                                                    {"backup", "--to", directory / "backups"}}) {
      std::vector<std::string> arguments = command;
      arguments.insert(arguments.end(), {"--data", data});
      const Finished refused = taskledger(arguments);
      EXPECT_EQ(refused.exit_code, 1) << testing::PrintToString(arguments);
      EXPECT_THAT(refused.err, testing::HasSubstr(data)) << testing::PrintToString(arguments);
    }
  }
  EXPECT_FALSE(std::filesystem::exists(absent));
  EXPECT_TRUE(std::filesystem::is_empty(empty));
  const std::string data = directory / "data";
  (void)create_token(data, "acme", kUser);
  const Finished refused = taskledger({"backup", "--data", data, "--to", directory / "backups", "--key-file", key});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, testing::HasSubstr("typo.key: there is no such key file"));
  EXPECT_FALSE(std::filesystem::exists(key));
}

TEST(CommandLine, AResultThatIsLostIsAFailure) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data", errors = directory / "errors";
  (void)create_token(data, "acme", kUser);
  for (const char* command : {"stats", "stats --json", "token list", "verify"}) {
    const std::string line =
        std::string(TASKLEDGER_BINARY) + " " + command + " --data " + data + " >/dev/full 2>" + errors;
    EXPECT_EQ(WEXITSTATUS(std::system(line.c_str())), 1) << command;
    EXPECT_EQ(read_file(errors), "taskledger: stdout: No space left on device\n") << command;
  }
  // What a server prints is for who looks, and no result.
  const std::string serve = "timeout --preserve-status 1 " + std::string(TASKLEDGER_BINARY) +
                            " serve --listen 127.0.0.1:0 --data " + data + " >/dev/full 2>" + errors;
  EXPECT_EQ(WEXITSTATUS(std::system(serve.c_str())), 0) << read_file(errors);
}

TEST(CommandLine, FlagsComeBeforeEnvironmentBeforeFile) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data", config = directory / "taskledger.toml";
  write_file(config, "listen = \"from-file\"\nlog-level = \"warn\"\n");
  const std::vector<std::string> serve{"serve", "--data", data, "--config", config};
  EXPECT_THAT(taskledger(serve).err, HasSubstr("from-file"));
  EXPECT_THAT(taskledger(serve, {"TASKLEDGER_LISTEN=from-environment"}).err, HasSubstr("from-environment"));
  auto with_flag = serve;
  with_flag.insert(with_flag.end(), {"--listen", "from-flag"});
  EXPECT_THAT(taskledger(with_flag, {"TASKLEDGER_LISTEN=from-environment"}).err, HasSubstr("from-flag"));
  EXPECT_THAT(taskledger({"serve", "--config", config}, {"TASKLEDGER_DATA=" + data}).err, HasSubstr("from-file"));

  write_file(config, "surf = 1\n");
  const Finished refused = taskledger(serve);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("unknown setting 'surf'"));
}

TEST(CommandLine, TokensAreShownOnceAndListedWithoutTheirSecret) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  const std::string token = create_token(data, "acme", kUser, "tasks:read,admin", "Europe/Paris");
  const Finished expiring = taskledger(
      {"token", "create", "--data", data, "--workspace", "other", "--user", kUser, "--expires", "2031-01-01"});
  EXPECT_EQ(expiring.exit_code, 0) << expiring.err;
  const Finished listed = taskledger({"token", "list", "--data", data, "--json"});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_THAT(listed.out, Not(HasSubstr("ksr_")));
  EXPECT_THAT(listed.out, HasSubstr(R"("scopes":["tasks:read","admin"])"));
  EXPECT_THAT(listed.out, HasSubstr(R"("timezone":"Europe/Paris")"));
  EXPECT_THAT(listed.out, HasSubstr(R"("workspace":"other")"));
  EXPECT_THAT(taskledger({"token", "list", "--data", data}).out, HasSubstr("acme"));
  struct stat status {};
  ASSERT_EQ(stat((data + "/secret.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(CommandLine, StatsOfAnEmptyDirectoryAndOfOneInUse) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  const std::string token = create_token(data, "acme", kUser);
  const Finished stats = taskledger({"stats", "--data", data, "--json"});
  EXPECT_EQ(stats.exit_code, 0) << stats.err;
  EXPECT_EQ(json_field(stats.out, "position"), "2");  // the workspace and its token
}

}  // namespace
}  // namespace taskledger::e2e
