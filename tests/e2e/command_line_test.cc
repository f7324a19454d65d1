// The command line: help and version everywhere, exit codes, one line on stderr, precedence of settings, tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

using testing::AllOf;
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
      {"serve", "--data", data, "--threads", "100000"},
      {"serve", "--data", data, "--max-connections", "0"},
      {"serve", "--data", data, "--config", directory.path().string()},
      {"verify", "--data", data, "--threads", "100000"},
      {"token", "list", "--url", "nowhere", "--token", "ksr_x"},
      {"token", "create", "--data", data, "--workspace", "a\tb", "--user", kUser},
      {"token", "surf"},
      {"token", "create", "--data", data, "--workspace", "acme", "--user", kUser, "--expires", ""},
      {"token", "create", "--data", data, "--workspace", "", "--user", kUser},
      {"token", "create", "--url", "http://127.0.0.1:1", "--token", "x", "--workspace", "", "--user", kUser},
      {"import", "--data", data, "--workspace", "", "file"},
      {"import", "--data", data, "--workspace", "a\tb", "file"},
      {"export", "--data", data, "--workspace", ""},
      {"export", "--data", data, "--task="},
      {"export", "--data", data, "--type", ""},
      {"events", "--data", data, "--workspace", ""},
      {"events", "--data", data, "--task", ""},
      {"replay", "--data", data, "--workspace", "", "--as-of", "2020-01-01"},
      {"replay", "--data", data, "--workspace", "acme", "--as-of", "2020-01-01", "--user", ""},
      {"verify", "--data", data, "--workspace", ""},
      {"verify", "--data", data, "--workspace", "acme"},
      {"serve", "--data", data, "--cors-origins", "https://a.example/app"},
      {"serve", "--data", data, "--rate-burst", "5"},
      {"serve", "--data", data, "--max-request-line", "10"},
      {"serve", "--data", data, "--max-header-bytes", "18446744073709551615"},
  };
  for (const auto& arguments : wrong) {
    const Finished refused = taskledger(arguments);
    EXPECT_EQ(refused.exit_code, 2) << testing::PrintToString(arguments) << refused.err;
    expect_one_line(refused.err);
    EXPECT_THAT(refused.out, IsEmpty());
  }
}

TEST(CommandLine, WrongUsageIsNamed) {
  const auto refusal = [](const std::vector<std::string>& arguments) { return taskledger(arguments).err; };
  EXPECT_EQ(refusal({"surf"}), "taskledger: there is no 'surf': see taskledger --help\n");
  EXPECT_EQ(refusal({"--surf"}), "taskledger: there is no '--surf': see taskledger --help\n");
  EXPECT_EQ(refusal({"token", "surf"}), "taskledger: there is no 'surf': see taskledger token --help\n");
  EXPECT_EQ(refusal({"events", "--data", "x", "--after", "-1"}),
            "taskledger: --after: must be a whole number of at least 0, not -1\n");
  EXPECT_EQ(refusal({"serve", "--data", "x", "--max-queued-commits", "0"}),
            "taskledger: --max-queued-commits: must be a whole number of at least 1, not 0\n");
  EXPECT_EQ(refusal({"token", "list", "--url", "nowhere", "--token", "ksr_x"}),
            "taskledger: --url: must be an absolute http or https URL: nowhere\n");
  EXPECT_EQ(refusal({"stats", "--data", "x", "--surf"}),
            "taskledger: there is no '--surf': see taskledger stats --help\n");
  EXPECT_EQ(refusal({"serve", "--data", "x", "--max-request-line", "10"}),
            "taskledger: --max-request-line: must be a whole number from 256 to 1048576, not 10\n");
  EXPECT_THAT(refusal({"serve", "--data", "x", "--rate-burst", "5"}), HasSubstr("--rate-limit"));
  EXPECT_THAT(refusal({"serve", "--data", "x", "--cors-origins", "https://a.example, b.example"}),
              AllOf(HasSubstr("--cors-origins"), HasSubstr("b.example")));
  const TemporaryDirectory directory;
  write_file(directory / "file", "");
  EXPECT_THAT(refusal({"stats", "--data", directory / "file"}), HasSubstr("file is a file, not a data directory"));
}

TEST(CommandLine, PositionsBeyondAllAreNone) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data", most = "18446744073709551615";
  write_file(directory / "one.ndjson", R"({"task_id":"7a5c0000-0000-4000-8000-100000000001","type":"TaskCreated",)"
                                       R"("time":"2020-01-01T00:00:00Z","actor":")" +
                                           std::string(kUser) + R"(","data":{"title":"One"}})" + "\n");
  ASSERT_EQ(taskledger({"import", "--data", data, "--workspace", "acme", directory / "one.ndjson"}).exit_code, 0);
  for (const std::string command : {"export", "events"}) {
    const Finished done = taskledger({command, "--data", data, "--workspace", "acme", "--after", most});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.out, "");
  }
  EXPECT_EQ(taskledger({"events", "--data", data, "--after", most}).out, "");
  const Finished verified = taskledger({"verify", "--data", data, "--key-file", directory / "absent.key"});
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_THAT(verified.err, HasSubstr("absent.key"));
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

// What was there before stays, whatever it is.
TEST(CommandLine, AnImportThatFailsLeavesNothingBehind) {
  const TemporaryDirectory directory;
  const std::string lines = directory / "lines", absent = directory / "new", empty = directory / "empty",
                    data = directory / "data";
  write_file(lines, "no event\n");
  ASSERT_TRUE(std::filesystem::create_directory(empty));
  write_file(empty + "/secret.key", std::string(32, 'k'));
  (void)create_token(data, "acme", kUser);
  for (const std::string& into : {absent + "/deep/data", empty, data}) {
    const Finished failed = taskledger({"import", "--data", into, "--workspace", "acme", lines});
    EXPECT_EQ(failed.exit_code, 1) << into;
    EXPECT_THAT(failed.err, testing::HasSubstr("lines:1: ")) << into;
  }
  EXPECT_FALSE(std::filesystem::exists(absent));
  EXPECT_EQ(read_file(empty + "/secret.key"), std::string(32, 'k'));
  std::filesystem::remove(empty + "/secret.key");
  EXPECT_TRUE(std::filesystem::is_empty(empty));
  EXPECT_EQ(lines_of(taskledger({"token", "list", "--data", data}).out).size(), 1u);
}

// Whoever serves may keep the key elsewhere: another one in the directory would go into its backups, and out of them.
TEST(CommandLine, OnlyAServerMakesAKey) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data", key = directory / "own.key", lines = directory / "lines",
                    backups = directory / "backups";
  write_file(lines, "");
  (void)create_token(data, "acme", kUser);
  Server(data, {"--key-file", key}).stop();
  EXPECT_EQ(read_file(key).size(), 32u);
  for (const std::vector<std::string>& command : {std::vector<std::string>{"stats"},
                                                  {"rebuild"},
                                                  {"rebuild", "--check"},
                                                  {"token", "list"},
                                                  {"token", "create", "--workspace", "acme", "--user", kUser},
                                                  {"import", "--workspace", "other", lines},
                                                  {"backup", "--to", backups, "--key-file", key},
                                                  {"backup", "--to", backups}}) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(), {"--data", data});
    const Finished done = taskledger(arguments);
    EXPECT_EQ(done.exit_code, 0) << testing::PrintToString(arguments) << done.err;
    EXPECT_FALSE(std::filesystem::exists(data + "/secret.key")) << testing::PrintToString(arguments);
    if (command.size() == 3 && command[0] == "backup") {
      EXPECT_EQ(done.err,
                "the backup has no key, since " + data + " has none: keep the server's --key-file, if there is one\n");
    }
  }
  EXPECT_FALSE(std::filesystem::exists(backups + "/secret.key"));
  Server(data).stop();
  const Finished with_key = taskledger({"backup", "--data", data, "--to", backups});
  EXPECT_EQ(with_key.err, "");
  EXPECT_EQ(read_file(backups + "/secret.key"), read_file(data + "/secret.key"));
}

// A directory that may not be read is not one that lacks something.
TEST(CommandLine, WhatMayNotBeReadIsNotMissing) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data", errors = directory / "errors", program = directory / "taskledger";
  (void)create_token(data, "acme", kUser);
  std::string as_nobody;
  std::filesystem::permissions(data, std::filesystem::perms::none);
  if (::geteuid() == 0) {  // whom no permissions stop
    std::filesystem::copy_file(TASKLEDGER_BINARY, program);
    std::filesystem::permissions(directory.path(), std::filesystem::perms{0755});
    as_nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
  }
  const std::string binary = as_nobody.empty() ? std::string(TASKLEDGER_BINARY) : as_nobody + program;
  if (std::system((binary + " --version >/dev/null 2>&1").c_str()) != 0) GTEST_SKIP() << "cannot run as nobody";
  const std::string denied = data + "/format: Permission denied\n";
  for (const char* command : {"stats", "token list", "rebuild"}) {
    EXPECT_EQ(WEXITSTATUS(std::system((binary + " " + command + " --data " + data + " 2>" + errors).c_str())), 1);
    EXPECT_EQ(read_file(errors), "taskledger: cannot read " + denied) << command;
  }
  std::filesystem::permissions(data, std::filesystem::perms{0700});
}

// A file that is opened must not get the number of a standard descriptor: what is printed would go into it.
TEST(CommandLine, WhatIsPrintedIntoClosedDescriptorsGoesNowhere) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data", errors = directory / "errors";
  (void)create_token(data, "acme", kUser);
  const std::string program = std::string(TASKLEDGER_BINARY) + " ";
  EXPECT_EQ(WEXITSTATUS(std::system((program + "stats --data " + data + " >&- 2>" + errors).c_str())), 1);
  EXPECT_EQ(read_file(errors), "taskledger: stdout: Bad file descriptor\n");
  const std::string serve =
      "timeout --preserve-status 5 " + program + "serve --log-level trace --listen 127.0.0.1:0 --data ";
  EXPECT_EQ(WEXITSTATUS(std::system((serve + data + " <&- >&- 2>&-").c_str())), 0);
  EXPECT_EQ(lines_of(read_file(data + "/lock")).size(), 1u) << read_file(data + "/lock");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data)) {
    if (!entry.is_regular_file()) continue;
    EXPECT_THAT(read_file(entry.path()), Not(HasSubstr("listening on"))) << entry.path();
    EXPECT_THAT(read_file(entry.path()), Not(HasSubstr("stopping\n"))) << entry.path();
  }
  EXPECT_EQ(taskledger({"verify", "--data", data}).exit_code, 0);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which need a large address space themselves
TEST(CommandLine, WhereMemoryOrThreadsRunOutIsOneLine) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data", errors = directory / "errors";
  (void)create_token(data, "acme", kUser);
  int out_of_it = 0;
  for (int kilobytes = 150'000; kilobytes <= 600'000; kilobytes += 25'000) {
    const std::string line = "ulimit -c 0; ulimit -v " + std::to_string(kilobytes) + "; exec " + TASKLEDGER_BINARY +
                             " stats --data " + data + " >/dev/null 2>" + errors;
    const int status = std::system(line.c_str());
    const std::string said = read_file(errors);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) <= 1) << kilobytes << " kB: " << status << ' ' << said;
    if (WEXITSTATUS(status) != 1) continue;
    expect_one_line(said);
    ++out_of_it;
  }
  EXPECT_GT(out_of_it, 0);
  EXPECT_EQ(taskledger({"verify", "--data", data}).exit_code, 0);
}
#endif

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

  // What a flag excludes is not taken from the environment.
  (void)create_token(data, "acme", kUser);
  const std::vector<std::string> elsewhere{"TASKLEDGER_URL=http://127.0.0.1:1", "TASKLEDGER_TOKEN=ksr_x"};
  const Finished here = taskledger({"token", "list", "--data", data}, elsewhere);
  EXPECT_EQ(here.exit_code, 0) << here.err;
  for (const char* command : {"backup", "rebuild"}) {
    const Finished there = taskledger({command, "--url", "http://127.0.0.1:1", "--token", "ksr_x"},
                                      {"TASKLEDGER_DATA=" + data, "TASKLEDGER_THREADS=2", "TASKLEDGER_TO=" + data});
    EXPECT_EQ(there.exit_code, 1) << command;
    EXPECT_THAT(there.err, HasSubstr("127.0.0.1:1")) << command;
  }

  write_file(config, "\xEF\xBB\xBFlisten = \"from-file\"\n");  // with a byte order mark, as some editors write it
  EXPECT_THAT(taskledger(serve).err, HasSubstr("from-file"));

  write_file(config, "surf = 1\n");
  const Finished refused = taskledger(serve);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("unknown setting 'surf'"));

  write_file(config, "cache-mb = \"x\"\n");
  const Finished wrong = taskledger(serve);
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("taskledger: " + config + ": --cache-mb: "));
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
  {
    Server server(data);
    const std::vector<std::string> there{"--url", server.url(), "--token", token};
    const auto on_server = [&](std::vector<std::string> arguments) {
      arguments.insert(arguments.end(), there.begin(), there.end());
      return taskledger(arguments);
    };
    const Finished table = on_server({"token", "list"});
    EXPECT_THAT(table.out, HasSubstr("  acme  user " + std::string(kUser) +
                                     "  tasks:read,admin  Europe/Paris  does not expire\n"));
    EXPECT_THAT(table.out, Not(HasSubstr("other"))) << "the caller's workspace alone";
    EXPECT_THAT(listed.out, HasSubstr(on_server({"token", "list", "--json"}).out.substr(9, 60)));
    const Finished foreign = on_server({"token", "create", "--workspace", "other", "--user", kUser});
    EXPECT_EQ(foreign.exit_code, 1);
    EXPECT_THAT(foreign.err,
                HasSubstr("--token is of the workspace 'acme', so no token can be made for 'other' with it"));
    EXPECT_EQ(on_server({"token", "create", "--workspace", "acme", "--user", kUser}).exit_code, 0);
  }
  EXPECT_THAT(taskledger({"verify", "--data", data, "--json"}).out, StartsWith(R"({"ok":true,"events":5,"head":")"));
  EXPECT_THAT(taskledger({"rebuild", "--data", data, "--json"}).out, StartsWith(R"({"records":5,)"));
  EXPECT_THAT(taskledger({"rebuild", "--data", data, "--check", "--json"}).out, StartsWith(R"({"ok":true,"rows":)"));
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
