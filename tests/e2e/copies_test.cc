// Copies: backup and restore, online and offline and killed half-way; export and import of erased histories.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

using testing::HasSubstr;

constexpr auto kUser = "0a000000-0000-4000-8000-000000000001";
constexpr auto kScopes = "tasks:read,tasks:write,audit:read,admin,operator";
constexpr std::string_view kBackups = "/api/v1/admin/backups";

class Copies : public testing::Test {
 protected:
  Copies()
      : data_(folder_ / "data"), backups_(folder_ / "backups"), token_(create_token(data_, "acme", kUser, kScopes)) {}
  static void make_tasks(HttpConnection& connection, int count, const std::string& title) {
    std::string records;
    for (int i = 0; i < count; ++i)
      records += (i == 0 ? "" : ",") + (R"({"title":")" + title + std::to_string(i) + "\"}");
    ASSERT_EQ(connection.request("POST", "/api/v1/tasks/batch/create", R"({"records":[)" + records + "]}").status,
              200u);
  }
  // What a client sees, whole.
  static std::string answers(HttpConnection& connection) {
    std::string all;
    for (const char* target : {"/api/v1/tasks?limit=100&sort_by=title", "/api/v1/tasks/stats?assigned_to=all",
                               "/api/v1/events?limit=100", "/api/v1/audit/head"})
      all += connection.get(target).body + "\n";
    return all;
  }
  static bool any_file_holds(const std::string& folder, const std::string& needle) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file() && read_file(entry.path()).find(needle) != std::string::npos) return true;
    }
    return false;
  }
  void expect_whole(const std::string& data) {
    const Finished verified = taskledger({"verify", "--data", data});
    EXPECT_EQ(verified.exit_code, 0) << verified.err;
  }

  TemporaryDirectory folder_;
  const std::string data_, backups_, token_;
};

TEST_F(Copies, ARestoredCopyAnswersAsTheOriginalDid) {
  std::string first, second;
  {
    Server server(data_, {"--backup-dir", backups_});
    HttpConnection connection(server.port(), token_);
    make_tasks(connection, 50, "one");
    first = answers(connection);
    const auto made = connection.request("POST", kBackups);
    ASSERT_EQ(made.status, 201u) << made.body;
    EXPECT_EQ(json_field(made.body, "id"), "1");
    EXPECT_EQ(json_field(made.body, "path"), backups_);
    make_tasks(connection, 30, "two");
    second = answers(connection);
    const Finished by_command = taskledger({"backup", "--url", server.url(), "--token", token_});
    ASSERT_EQ(by_command.exit_code, 0) << by_command.err;
    EXPECT_EQ(json_field(by_command.out, "id"), "2");
    make_tasks(connection, 10, "three");
    server.stop();
  }
  EXPECT_NE(first, second);
  for (const auto& [id, expected] : {std::pair{"1", first}, std::pair{"2", second}}) {
    const std::string copy = folder_ / (std::string("copy") + id);
    const Finished restored = taskledger({"restore", "--from", backups_, "--id", id, "--data", copy});
    ASSERT_EQ(restored.exit_code, 0) << restored.err;
    expect_whole(copy);
    Server server(copy);
    HttpConnection connection(server.port(), token_);
    EXPECT_EQ(answers(connection), expected);
    make_tasks(connection, 1, "goes on");
    server.stop();
    expect_whole(copy);
  }
}

TEST_F(Copies, OfflineBackupsAddUpAndRefuseWhatIsNotTheirs) {
  EXPECT_EQ(taskledger({"backup", "--data", data_, "--to", backups_}).exit_code, 0);
  const Finished again = taskledger({"backup", "--data", data_, "--to", backups_, "--json"});
  EXPECT_EQ(json_field(again.out, "id"), "2") << again.err;
  const std::string relative = std::filesystem::relative(backups_);
  const Finished third = taskledger({"backup", "--data", data_, "--to", relative, "--json"});
  EXPECT_EQ(json_field(third.out, "id"), "3") << third.err;
  EXPECT_EQ(taskledger({"restore", "--from", relative, "--data", folder_ / "restored"}).exit_code, 0);
  const std::string other = folder_ / "other";
  (void)create_token(other, "acme", kUser, kScopes);
  EXPECT_THAT(taskledger({"backup", "--data", other, "--to", backups_}).err, HasSubstr("backups of another log"));
  EXPECT_THAT(taskledger({"restore", "--from", backups_, "--data", other}).err, HasSubstr("is not empty"));
  EXPECT_THAT(taskledger({"restore", "--from", backups_, "--id", "7", "--data", folder_ / "x"}).err,
              HasSubstr("no backup 7"));
  EXPECT_THAT(taskledger({"restore", "--from", folder_ / "none", "--data", folder_ / "x"}).err, HasSubstr("no backup"));
  EXPECT_EQ(taskledger({"backup", "--data", data_}).exit_code, 2);
  Server server(data_);
  HttpConnection connection(server.port(), token_);
  EXPECT_EQ(connection.request("POST", kBackups).status, 409u);
  EXPECT_THAT(taskledger({"backup", "--data", data_, "--to", backups_}).err, HasSubstr("in use by process"));
}

// Restores read beside each other, and where nothing may be written: a backup on a medium that is mounted read-only.
TEST_F(Copies, ARestoreAsksForNoMoreThanToRead) {
  ASSERT_EQ(taskledger({"backup", "--data", data_, "--to", backups_}).exit_code, 0);
  const std::string lock = backups_ + "/lock";
  const auto restore = [&](const std::string& copy) {
    return taskledger({"restore", "--from", backups_, "--data", folder_ / copy});
  };
  {
    const int other = ::open(lock.c_str(), O_RDONLY);
    ASSERT_EQ(::flock(other, LOCK_SH), 0);
    const Finished beside = restore("beside");
    EXPECT_EQ(beside.exit_code, 0) << beside.err;
    EXPECT_THAT(taskledger({"backup", "--data", data_, "--to", backups_}).err, HasSubstr("is under way"));
    ASSERT_EQ(::flock(other, LOCK_EX), 0);
    EXPECT_THAT(restore("meanwhile").err, HasSubstr("a backup to " + backups_ + " is under way"));
    ::close(other);
  }
  std::filesystem::remove(lock);
  const Finished unlocked = restore("unlocked");
  EXPECT_EQ(unlocked.exit_code, 0) << unlocked.err;
  EXPECT_FALSE(std::filesystem::exists(lock)) << "the backup was written to";
  // What is wrong with the lock is not that somebody holds it.
  std::filesystem::create_symlink("lock", lock);
  EXPECT_THAT(restore("loop").err, HasSubstr("cannot open " + lock + ": Too many levels of symbolic links"));
  const std::string file = folder_ / "file";
  write_file(file, "");
  EXPECT_THAT(taskledger({"backup", "--data", data_, "--to", file}).err, HasSubstr(file + " is a file, not a dir"));
  EXPECT_THAT(taskledger({"restore", "--from", file, "--data", folder_ / "x"}).err, HasSubstr("cannot read " + file));
}

TEST_F(Copies, PathsInJsonAreEscaped) {
  const std::string odd = folder_ / R"(b"q\)", copy = folder_ / "a\tcopy";
  const Finished made = taskledger({"backup", "--data", data_, "--to", odd, "--json"});
  EXPECT_EQ(json_field(made.out, "path"), odd) << made.out << made.err;
  const Finished restored = taskledger({"restore", "--from", odd, "--data", copy, "--json"});
  EXPECT_EQ(json_field(restored.out, "path"), copy) << restored.out << restored.err;
}

TEST_F(Copies, ABackupKilledWhileWritingLeavesTheOneBefore) {
  std::string first;
  for (int round = 0; round < 3; ++round) {
    Server server(data_, {"--backup-dir", backups_});
    HttpConnection connection(server.port(), token_);
    if (round == 0) {
      make_tasks(connection, 20, "first");
      first = answers(connection);
      ASSERT_EQ(connection.request("POST", kBackups).status, 201u);
    }
    std::atomic<bool> stop = false;
    std::thread writer([&] {
      HttpConnection own(server.port(), token_);
      for (int i = 0; !stop; ++i) {
        own.request("POST", "/api/v1/tasks", R"({"title":"t)" + std::to_string(i) + "\"}");
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    std::thread backup([&] {
      HttpConnection own(server.port(), token_);
      own.request("POST", kBackups);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + 20 * round));
    server.kill();
    stop = true;
    writer.join();
    backup.join();
  }
  const std::string copy = folder_ / "copy", latest = folder_ / "latest";
  ASSERT_EQ(taskledger({"restore", "--from", backups_, "--id", "1", "--data", copy}).exit_code, 0);
  expect_whole(copy);
  {
    Server server(copy);
    HttpConnection connection(server.port(), token_);
    EXPECT_EQ(answers(connection), first);
    server.stop();
  }
  const Finished made = taskledger({"backup", "--data", data_, "--to", backups_, "--json"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const Finished restored = taskledger({"restore", "--from", backups_, "--data", latest, "--json"});
  ASSERT_EQ(restored.exit_code, 0) << restored.err;
  EXPECT_EQ(json_field(restored.out, "position"), json_field(made.out, "position"));
  expect_whole(latest);
}

TEST_F(Copies, ARestoreThatDidNotEndSaysSoAndIsDoneAgain) {
  ASSERT_EQ(taskledger({"backup", "--data", data_, "--to", backups_}).exit_code, 0);
  const std::string copy = folder_ / "copy";
  ASSERT_EQ(taskledger({"restore", "--from", backups_, "--data", copy}).exit_code, 0);
  write_file(copy + "/restoring", "a restore into this directory did not end\n");  // as a kill before the end leaves it
  std::filesystem::remove(copy + "/format");
  for (const char* command : {"verify", "serve", "export"})
    EXPECT_THAT(taskledger({command, "--data", copy}).err, HasSubstr("did not end: restore into it again")) << command;
  ASSERT_EQ(taskledger({"restore", "--from", backups_, "--data", copy}).exit_code, 0);
  expect_whole(copy);
}

// While it copies, neither before nor after: one that ended before the signal came is tried again.
TEST_F(Copies, ARestoreThatWasKilledIsDoneAgain) {
  ASSERT_EQ(taskledger({"backup", "--data", data_, "--to", backups_}).exit_code, 0);
  const std::string killed = folder_ / "killed", marker = killed + "/restoring", log = killed + "/log";
  const std::vector<std::string> restore{"restore", "--from", backups_, "--data", killed};
  const auto copying = [&] {
    std::error_code none;
    return std::filesystem::exists(marker) && std::filesystem::is_directory(log) &&
           !std::filesystem::is_empty(log, none) && !none;
  };
  bool interrupted = false;
  for (int tries = 0; tries < 50 && !interrupted; ++tries) {
    std::filesystem::remove_all(killed);
    Process process(restore);
    while (process.running() && !copying()) std::this_thread::yield();
    if (process.running()) process.signal(SIGKILL);
    process.wait();
    interrupted = std::filesystem::exists(marker);
  }
  ASSERT_TRUE(interrupted);
  EXPECT_TRUE(copying());
  EXPECT_THAT(taskledger({"verify", "--data", killed}).err, HasSubstr("did not end: restore into it again"));
  const Finished again = taskledger(restore);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_FALSE(std::filesystem::exists(marker));
  expect_whole(killed);
}

TEST_F(Copies, AnErasedHistoryIsExportedImportedAndExportedTheSame) {
  {
    Server server(data_);
    HttpConnection connection(server.port(), token_);
    make_tasks(connection, 2, "kept");
    const std::string id =
        json_field(connection.request("POST", "/api/v1/tasks", R"({"title":"secret"})").body, "task_id");
    connection.request("PUT", "/api/v1/tasks/" + id, R"({"title":"also secret"})");
    connection.request("PUT", "/api/v1/tasks/" + id + "/complete");
    connection.request("DELETE", "/api/v1/tasks/" + id);
    ASSERT_EQ(connection.request("POST", "/api/v1/tasks/" + id + "/erase").status, 204u);
    make_tasks(connection, 2, "later");
    server.stop();
  }
  const std::string first = folder_ / "first.ndjson.gz", second = folder_ / "second.ndjson",
                    third = folder_ / "third.ndjson";
  ASSERT_EQ(taskledger({"export", "--data", data_, "--workspace", "acme", "-o", first}).exit_code, 0);
  ASSERT_EQ(taskledger({"export", "--data", data_, "--workspace", "acme", "-o", second}).exit_code, 0);
  EXPECT_EQ(read_file(second).find("secret"), std::string::npos);
  const std::string copy = folder_ / "copy";
  const Finished imported = taskledger({"import", "--data", copy, "--workspace", "acme", first});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  ASSERT_EQ(taskledger({"export", "--data", copy, "--workspace", "acme", "-o", third}).exit_code, 0);
  EXPECT_EQ(read_file(third), read_file(second));
  expect_whole(copy);
  const std::string token = create_token(copy, "acme", kUser, kScopes);
  Server server(copy);
  HttpConnection connection(server.port(), token);
  EXPECT_EQ(json_field(connection.get("/api/v1/tasks").body, "total"), "4");
  EXPECT_EQ(lines_of(taskledger({"export", "--data", copy, "--type", "TaskErased"}).out).size(), 1u);
}

// Rows of read models that were written to disk long before, by a server or for an import, go as well; and those that a
// crash comes before.
TEST_F(Copies, AnErasedTitleIsInNoFile) {
  const std::string secret = "xq7Zk9 Mw3Jv5 Pb8Ry2", import = folder_ / "import.ndjson";
  std::string id;
  {
    Server server(data_);
    HttpConnection connection(server.port(), token_);
    make_tasks(connection, 100, "before");
    id = json_field(connection.request("POST", "/api/v1/tasks", R"({"title":")" + secret + "\"}").body, "task_id");
    make_tasks(connection, 100, "after");
    server.stop();
  }
  EXPECT_TRUE(any_file_holds(data_ + "/views", secret)) << "or this test shows nothing";
  ASSERT_EQ(taskledger({"export", "--data", data_, "--workspace", "acme", "-o", import}).exit_code, 0);
  const auto erase = [&](Server& server, const std::string& token) {
    HttpConnection connection(server.port(), token);
    ASSERT_EQ(connection.request("DELETE", "/api/v1/tasks/" + id).status, 204u);
    ASSERT_EQ(connection.request("POST", "/api/v1/tasks/" + id + "/erase").status, 204u);
    EXPECT_EQ(connection.request("POST", "/api/v1/tasks/" + id + "/erase").status, 204u) << "asked again";
    EXPECT_EQ(json_field(connection.get("/api/v1/tasks").body, "total"), "200");
  };
  {
    Server server(data_);
    erase(server, token_);
    EXPECT_FALSE(any_file_holds(data_, secret));
    server.kill();
  }
  EXPECT_FALSE(any_file_holds(data_, secret));
  const std::string copy = folder_ / "copy", token = create_token(copy, "acme", kUser, kScopes);
  ASSERT_EQ(taskledger({"import", "--data", copy, "--workspace", "acme", import}).exit_code, 0);
  Server(copy).stop();  // builds and writes the read models
  EXPECT_TRUE(any_file_holds(copy + "/views", secret)) << "or this test shows nothing";
  Server server(copy);
  erase(server, token);
  EXPECT_FALSE(any_file_holds(copy, secret));
  // A rebuild leaves a generation behind.
  EXPECT_EQ(taskledger({"rebuild", "--url", server.url(), "--token", token}).exit_code, 0);
  EXPECT_FALSE(any_file_holds(copy, secret));
}

TEST_F(Copies, AGenerationThatARebuildReplacedIsInNoFile) {
  const std::string secret = "xq7Zk9 Mw3Jv5 Pb8Ry2";
  Server server(data_);
  HttpConnection connection(server.port(), token_);
  const std::string id =
      json_field(connection.request("POST", "/api/v1/tasks", R"({"title":")" + secret + "\"}").body, "task_id");
  for (int i = 0; i < 2; ++i) ASSERT_EQ(taskledger({"rebuild", "--url", server.url(), "--token", token_}).exit_code, 0);
  ASSERT_EQ(connection.request("DELETE", "/api/v1/tasks/" + id).status, 204u);
  ASSERT_EQ(connection.request("POST", "/api/v1/tasks/" + id + "/erase").status, 204u);
  EXPECT_FALSE(any_file_holds(data_, secret));
}

// An erasure rewrites tables and retires WALs under the readers' eyes: no reader takes that for damage.
TEST_F(Copies, ReadersBesideErasuresFindNothingWrong) {
  Server server(data_);
  HttpConnection connection(server.port(), token_);
  make_tasks(connection, 100, "staying");
  std::atomic<bool> stop = false;
  std::thread eraser([&] {
    HttpConnection mine(server.port(), token_);
    while (!stop) {
      make_tasks(mine, 5, "staying");
      const std::string id = json_field(mine.request("POST", "/api/v1/tasks", R"({"title":"going"})").body, "task_id");
      mine.request("DELETE", "/api/v1/tasks/" + id);
      EXPECT_EQ(mine.request("POST", "/api/v1/tasks/" + id + "/erase").status, 204u);
    }
  });
  Process follower({"events", "--data", data_, "--workspace", "acme", "--follow", "--json"});
  for (int i = 0; i < 4; ++i) {
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"verify", "--data", data_},
          {"export", "--data", data_, "--workspace", "acme"},
          {"events", "--data", data_},
          {"replay", "--data", data_, "--workspace", "acme", "--as-of", "2020-01-01", "--stats"}}) {
      const Finished read = taskledger(command);
      EXPECT_EQ(read.exit_code, 0) << command[0] << ": " << read.err;
    }
  }
  stop = true;
  eraser.join();
  EXPECT_TRUE(follower.running()) << follower.err();
  follower.signal(SIGINT);
  EXPECT_EQ(follower.wait().exit_code, 0);
  std::uint64_t expected = 1;
  for (const std::string& line : lines_of(follower.out()))
    EXPECT_EQ(json_field(line, "position"), std::to_string(expected++));
}

// What was erased since a backup is not brought back by it: a task that was live then, and one deleted but not erased.
TEST_F(Copies, ARestoreOfAnOlderBackupErasesWhatWasErasedSince) {
  std::string live, deleted;
  {
    Server server(data_, {"--backup-dir", backups_});
    HttpConnection connection(server.port(), token_);
    make_tasks(connection, 2, "kept");
    const auto make = [&](const std::string& title) {
      return json_field(connection.request("POST", "/api/v1/tasks", R"({"title":")" + title + "\"}").body, "task_id");
    };
    live = make("very-secret-live"), deleted = make("very-secret-deleted");
    connection.request("DELETE", "/api/v1/tasks/" + deleted);
    ASSERT_EQ(connection.request("POST", kBackups).status, 201u);
    connection.request("DELETE", "/api/v1/tasks/" + live);
    ASSERT_EQ(connection.request("POST", "/api/v1/tasks/" + live + "/erase").status, 204u);
    ASSERT_EQ(connection.request("POST", kBackups).status, 201u);                               // takes the list along
    ASSERT_EQ(connection.request("POST", "/api/v1/tasks/" + deleted + "/erase").status, 204u);  // listed in data_ alone
    server.stop();
  }
  EXPECT_EQ(lines_of(read_file(data_ + "/erasures")).size(), 2u);
  EXPECT_EQ(lines_of(read_file(backups_ + "/erasures")).size(), 1u);
  const auto check = [&](const std::string& copy, std::vector<std::string> args, const std::vector<std::string>& gone) {
    args.insert(args.begin(), {"restore", "--from", backups_, "--id", "1", "--data", copy});
    const Finished restored = taskledger(args);
    ASSERT_EQ(restored.exit_code, 0) << restored.err;
    EXPECT_THAT(restored.out, HasSubstr("erased again: " + std::to_string(gone.size()) + " task"));
    expect_whole(copy);
    EXPECT_EQ(any_file_holds(copy, "very-secret-live"), false);
    EXPECT_EQ(any_file_holds(copy, "very-secret-deleted"), gone.size() < 2);
    Server server(copy);
    HttpConnection connection(server.port(), token_);
    EXPECT_EQ(json_field(connection.get("/api/v1/tasks").body, "total"), "2");
    for (const std::string& id : gone) {
      EXPECT_EQ(connection.get("/api/v1/tasks/" + id).status, 404u);
      const std::string history = connection.get("/api/v1/tasks/" + id + "/history").body;
      EXPECT_THAT(history, HasSubstr("TaskErased"));
      EXPECT_THAT(history, HasSubstr(kUser));
      EXPECT_EQ(connection.request("POST", "/api/v1/tasks/" + id + "/restore").status, 409u);
    }
    server.stop();
    EXPECT_EQ(lines_of(read_file(copy + "/erasures")).size(), gone.size());
    EXPECT_EQ(taskledger({"rebuild", "--data", copy, "--check"}).exit_code, 0);
  };
  check(folder_ / "one", {}, {live});
  check(folder_ / "both", {"--erasures", data_ + "/erasures"}, {live, deleted});

  // What was erased anew is exported and imported like what was erased live.
  const std::string first = folder_ / "first.ndjson", second = folder_ / "second.ndjson", again = folder_ / "again";
  ASSERT_EQ(taskledger({"export", "--data", folder_ / "both", "--workspace", "acme", "-o", first}).exit_code, 0);
  const Finished imported = taskledger({"import", "--data", again, "--workspace", "acme", first});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  ASSERT_EQ(taskledger({"export", "--data", again, "--workspace", "acme", "-o", second}).exit_code, 0);
  EXPECT_EQ(read_file(first), read_file(second));

  // A list that is not there, or no list, must not pass for one that names nothing.
  const std::string unlisted = folder_ / "unlisted", list = folder_ / "list";
  const auto refused = [&] {
    return taskledger({"restore", "--from", backups_, "--data", unlisted, "--erasures", list}).err;
  };
  EXPECT_THAT(refused(), HasSubstr("list: there is no such file"));
  write_file(list, "garbage");
  EXPECT_THAT(refused(), HasSubstr("is no list of erasures"));
  write_file(list, read_file(data_ + "/erasures") + "garbage\n");
  EXPECT_THAT(refused(), HasSubstr("list:3: is not a line of a list of erasures"));
  EXPECT_FALSE(std::filesystem::exists(unlisted));
}

TEST_F(Copies, ADamagedBackupIsNotPassedOverForAnOlderOne) {
  ASSERT_EQ(taskledger({"backup", "--data", data_, "--to", backups_}).exit_code, 0);
  ASSERT_EQ(taskledger({"backup", "--data", data_, "--to", backups_}).exit_code, 0);
  for (const auto& entry : std::filesystem::directory_iterator(backups_ + "/log/private/2")) {
    if (entry.path().filename().string().starts_with("MANIFEST")) std::filesystem::remove(entry.path());
  }
  const std::string copy = folder_ / "copy";
  for (const char* id : {"", "2"}) {
    std::vector<std::string> restore{"restore", "--from", backups_, "--data", copy};
    if (*id != 0) restore.insert(restore.end(), {"--id", id});
    const Finished refused = taskledger(restore);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, HasSubstr("backup 2 in " + backups_ + " is damaged")) << id;
  }
  ASSERT_TRUE(std::filesystem::create_directory(copy));
  write_file(copy + "/restoring", "");  // as a kill at the very beginning leaves it
  EXPECT_EQ(taskledger({"restore", "--from", backups_, "--data", copy, "--id", "1"}).exit_code, 0);
  expect_whole(copy);
}

// Which file it is, and of which backup; what could not be opened is not called restored.
TEST_F(Copies, WhatIsDamagedInABackupIsNamed) {
  {
    Server server(data_, {"--backup-dir", backups_});
    HttpConnection connection(server.port(), token_);
    make_tasks(connection, 50, "one");
    ASSERT_EQ(connection.request("POST", kBackups).status, 201u);
    server.stop();
  }
  int round = 0;
  const auto refusal = [&](const std::filesystem::path& file, const std::string& content) {
    const std::string whole = read_file(file), copy = folder_ / ("copy" + std::to_string(round++));
    write_file(file, content);
    const Finished refused = taskledger({"restore", "--from", backups_, "--data", copy});
    write_file(file, whole);
    EXPECT_EQ(refused.exit_code, 1) << file;
    EXPECT_EQ(lines_of(refused.err).size(), 1u) << refused.err;
    return refused.err;
  };
  const auto flipped = [](const std::filesystem::path& file) {
    std::string content = read_file(file);
    content[content.size() / 2] ^= 1;
    return content;
  };
  int looked_at = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(backups_ + "/log")) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || entry.path().parent_path().filename() == "meta") continue;
    ++looked_at;
    const std::string said = refusal(entry.path(), flipped(entry.path()));
    EXPECT_THAT(said, HasSubstr("backup 1 in " + backups_ + " is damaged: ")) << name;
    EXPECT_THAT(said, HasSubstr(name));
  }
  EXPECT_GT(looked_at, 3);
  const std::string format = backups_ + "/format", key = backups_ + "/secret.key";
  EXPECT_THAT(refusal(format, flipped(format)), HasSubstr(format + " is damaged: it names no data format"));
  EXPECT_THAT(refusal(format, "taskledger data format 2\n"),
              HasSubstr("is backed up in " + backups_ + " has format 2"));
  EXPECT_THAT(refusal(key, "short"), HasSubstr(key + " must hold 32 bytes, not 5"));
  EXPECT_EQ(taskledger({"restore", "--from", backups_, "--data", folder_ / "whole"}).exit_code, 0);
}

// What is no file is written to as it is; a link stays, and what it leads to is replaced.
TEST_F(Copies, AnExportGoesWhereItIsTold) {
  const std::string plain = folder_ / "plain", fifo = folder_ / "fifo", link = folder_ / "link",
                    there = folder_ / "there";
  {
    Server server(data_);
    HttpConnection connection(server.port(), token_);
    make_tasks(connection, 3, "exported");
    server.stop();
  }
  ASSERT_EQ(taskledger({"export", "--data", data_, "-o", plain}).exit_code, 0);
  ASSERT_EQ(lines_of(read_file(plain)).size(), 3u);
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = read_file(fifo); });
  ASSERT_EQ(taskledger({"export", "--data", data_, "-o", fifo}).exit_code, 0);
  reader.join();
  EXPECT_EQ(read, read_file(plain));
  EXPECT_TRUE(std::filesystem::is_fifo(fifo));
  write_file(there, "old");
  std::filesystem::create_symlink(there, link);
  ASSERT_EQ(taskledger({"export", "--data", data_, "-o", link}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(read_file(there), read_file(plain));
  const Finished full = taskledger({"export", "--data", data_, "-o", "/dev/full"});
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, HasSubstr("/dev/full: No space left on device"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
}

}  // namespace
}  // namespace taskledger::e2e
