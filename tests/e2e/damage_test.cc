// Damage behind the program's back: found, named, never served as if it were data.
#include "tests/storage/damage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

using testing::HasSubstr;

constexpr auto kUser = "0a000000-0000-4000-8000-000000000001";

class Damage : public testing::Test {
 protected:
  // A few hundred tasks; killed, so that they stand in the WAL.
  void SetUp() override {
    token_ = create_token(data_, "acme", kUser);
    Server server(data_);
    HttpConnection client(server.port(), token_);
    for (int i = 0; i < 300; ++i) {
      const HttpReply created =
          client.request("POST", "/api/v1/tasks", R"({"title": "Honest task )" + std::to_string(i) + R"("})");
      ASSERT_EQ(created.status, 201u) << created.body;
      if (i == 0) first_ = json_field(created.body, "task_id");
    }
    server.kill();
  }

  const TemporaryDirectory directory_;
  const std::string data_ = directory_ / "data";
  std::string token_, first_;
};

TEST_F(Damage, AChangedRecordIsNamedByItsPosition) {
  // Two system records come before the tasks.
  storage::change_record(data_, Position{3}, "Honest task 0", "Forged task 0");
  const Finished verified = taskledger({"verify", "--data", data_});
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_THAT(verified.out + verified.err, HasSubstr("position 3: "));
}

// Whether a record is erased stands outside the chains: a blanked revocation must not let its token in again.
TEST_F(Damage, ContentThatIsGoneWithoutAnErasureIsNamed) {
  const Finished listed = taskledger({"token", "list", "--data", data_, "--json"});
  const std::string key = R"("id":")";
  const std::string id = listed.out.substr(listed.out.find(key) + key.size(), 36);
  ASSERT_EQ(taskledger({"token", "revoke", id, "--data", data_}).exit_code, 0) << listed.out;
  const std::string other = directory_ / "other";
  std::filesystem::copy(data_, other, std::filesystem::copy_options::recursive);
  const auto expect_refused = [](const std::vector<std::string>& command, const std::string& position) {
    const Finished refused = taskledger(command);
    EXPECT_EQ(refused.exit_code, 1) << command.front();
    EXPECT_THAT(refused.out + refused.err, HasSubstr("position " + position + ": its content is gone"))
        << command.front();
  };
  storage::erase_record(data_, Position{3});  // the first task's
  expect_refused({"verify", "--data", data_}, "3");
  expect_refused({"rebuild", "--data", data_}, "3");
  storage::erase_record(other, Position{303});  // the revocation
  expect_refused({"verify", "--data", other}, "303");
  expect_refused({"serve", "--data", other, "--listen", "127.0.0.1:0"}, "303");
  expect_refused({"token", "list", "--data", other}, "303");
}

TEST_F(Damage, AByteTurnedInTheWalRefusesToOpen) {
  const std::string file = storage::flip_byte(data_ + "/log", ".log");
  for (const auto& command : std::vector<std::vector<std::string>>{
           {"verify", "--data", data_}, {"serve", "--data", data_, "--listen", "127.0.0.1:0"}}) {
    const Finished refused = taskledger(command);
    EXPECT_EQ(refused.exit_code, 1) << command.front() << refused.out;
    EXPECT_THAT(refused.out + refused.err, HasSubstr(std::filesystem::path(file).filename().string()))
        << command.front();
  }
}

TEST_F(Damage, AByteTurnedInATableFileIsNamedAndNeverServed) {
  storage::flush_log(data_);
  const std::string file = storage::flip_byte(data_ + "/log", ".sst", 0.3);
  const Finished verified = taskledger({"verify", "--data", data_});
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_THAT(verified.out + verified.err, HasSubstr(std::filesystem::path(file).filename().string()));

  // The read models are whole, so the server may start; what meets the damage is 503 and a line in the log.
  const Finished started = [&] {
    try {
      Server server(data_);
      HttpConnection client(server.port(), token_);
      const HttpReply list = client.get("/api/v1/tasks?limit=1");
      if (list.status == 200) {
        EXPECT_EQ(json_field(list.body, "total"), "300");
      } else {
        EXPECT_EQ(list.status, 503u) << list.body;
      }
      return server.stop();
    } catch (const std::runtime_error& error) {
      return Finished{1, "", error.what()};
    }
  }();
  if (started.exit_code != 0) {
    EXPECT_THAT(started.err, HasSubstr(std::filesystem::path(file).filename().string()));
  }
}

TEST_F(Damage, ATruncatedLogIsNoticed) {
  // Served once more and stopped in order: the head mark knows how far the log went.
  {
    Server server(data_);
    EXPECT_EQ(server.stop().exit_code, 0);
  }
  const std::string kept = directory_ / "kept";
  std::filesystem::copy(data_ + "/log", kept, std::filesystem::copy_options::recursive);
  {
    Server server(data_);
    HttpConnection client(server.port(), token_);
    ASSERT_EQ(client.request("POST", "/api/v1/tasks", R"({"title": "One more"})").status, 201u);
    EXPECT_EQ(server.stop().exit_code, 0);
  }
  std::filesystem::remove_all(data_ + "/log");
  std::filesystem::rename(kept, data_ + "/log");
  const Finished verified = taskledger({"verify", "--data", data_});
  EXPECT_EQ(verified.exit_code, 1) << verified.out;
  EXPECT_THAT(verified.out + verified.err, HasSubstr("302"));
}

// Rows that cannot be read stop the read models of a running server; the next one builds them anew.
TEST_F(Damage, DamagedReadModelsAreBuiltAnewAtTheNextStart) {
  {
    // Rows of many blocks, of which a start reads but the first.
    Server server(data_);
    HttpConnection client(server.port(), token_);
    std::string records;
    for (int i = 0; i < 100; ++i) records += R"(,{"title":"A task of many, with a title of some length"})";
    const std::string batch = R"({"records":[)" + records.substr(1) + "]}";
    for (int i = 0; i < 30; ++i) ASSERT_EQ(client.request("POST", "/api/v1/tasks/batch/create", batch).status, 200u);
    EXPECT_EQ(server.stop().exit_code, 0);
  }
  const std::string file = storage::flip_byte(data_ + "/views", ".sst", 0.5);
  const std::string operators = create_token(data_, "acme", kUser, "operator");
  {
    Server server(data_);
    HttpConnection client(server.port(), token_);
    EXPECT_EQ(client.get("/api/v1/tasks").status, 503u);
    EXPECT_EQ(client.request("POST", "/api/v1/tasks", R"({"title": "One more"})").status, 503u);
    EXPECT_THAT(client.get("/readyz").body, HasSubstr("The read models have stopped: "));
    const std::string url = "http://127.0.0.1:" + std::to_string(server.port());
    const Finished rebuilt = taskledger({"rebuild", "--url", url, "--token", operators, "--projection", "list"});
    EXPECT_EQ(rebuilt.exit_code, 1) << rebuilt.out;
    EXPECT_THAT(rebuilt.err, HasSubstr("restart the server"));
    EXPECT_THAT(server.stop().err, HasSubstr(std::filesystem::path(file).filename().string()));
  }
  Server server(data_);
  HttpConnection client(server.port(), token_);
  EXPECT_EQ(json_field(client.get("/api/v1/tasks?limit=1").body, "total"), "3301") << "the one that was kept as well";
  EXPECT_EQ(client.get("/readyz").status, 200u);
  EXPECT_THAT(server.stop().err, HasSubstr("the read models are built anew from the log: "));
}

// RocksDB takes a directory without this file for a new database, and clears it.
TEST_F(Damage, ALogWithoutItsFileCurrentIsLeftAlone) {
  {
    Server server(data_);
    EXPECT_EQ(server.stop().exit_code, 0);
  }
  std::filesystem::remove(data_ + "/log/CURRENT");
  const auto files = [&] {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(data_ + "/log"))
      names.insert(entry.path().filename().string());
    return names;
  };
  const auto before = files();
  for (const char* command : {"stats", "serve", "rebuild", "serve"}) {
    const Finished refused = taskledger({command, "--data", data_});
    EXPECT_EQ(refused.exit_code, 1) << command;
    EXPECT_THAT(refused.err, HasSubstr("log/CURRENT is missing")) << command;
  }
  EXPECT_EQ(files(), before);
}

// Whatever is asked of it, and however often: what is lost of a MANIFEST may be in a copy, its tables are not.
TEST_F(Damage, ALogThatIsRefusedIsLeftAlone) {
  // An import's tables are named at the end of it.
  const std::string data = directory_ / "imported", lines = directory_ / "lines", log = data + "/log";
  ASSERT_EQ(taskledger({"export", "--data", data_, "--workspace", "acme", "-o", lines}).exit_code, 0);
  ASSERT_EQ(taskledger({"import", "--data", data, "--workspace", "acme", lines}).exit_code, 0);
  std::filesystem::path manifest;
  const auto files = [&] {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(log)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("MANIFEST-") && name > manifest.filename().string()) manifest = entry.path();
      if (!name.starts_with("LOG")) names.insert(name);
    }
    return names;
  };
  const auto before = files();
  const std::string whole = read_file(manifest);
  write_file(manifest, whole.substr(0, whole.size() - 20));
  for (const auto& command : std::vector<std::vector<std::string>>{{"stats"},
                                                                   {"token", "list"},
                                                                   {"rebuild", "--check"},
                                                                   {"backup", "--to", directory_ / "more-backups"},
                                                                   {"serve", "--listen", "127.0.0.1:0"}}) {
    auto arguments = command;
    arguments.insert(arguments.end(), {"--data", data});
    const Finished refused = taskledger(arguments);
    EXPECT_EQ(refused.exit_code, 1) << command.front() << refused.out;
    EXPECT_EQ(refused.out, "") << command.front();
    EXPECT_EQ(files(), before) << command.front();
  }
  write_file(manifest, whole);
  EXPECT_EQ(taskledger({"verify", "--data", data}).exit_code, 0) << "the end is there again";
}

TEST_F(Damage, ADirectoryThatIsMovedIsWrittenNoMore) {
  Server server(data_);
  HttpConnection client(server.port(), token_);
  ASSERT_EQ(client.get("/readyz").status, 200u);
  std::filesystem::rename(data_, directory_ / "moved");
  HttpReply ready = client.get("/readyz");
  for (int i = 0; i < 500 && ready.status == 200; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ready = client.get("/readyz");
  }
  EXPECT_EQ(ready.status, 503u);
  EXPECT_THAT(ready.body, HasSubstr("was moved or removed"));
  EXPECT_EQ(client.request("POST", "/api/v1/tasks", R"({"title": "Where?"})").status, 503u);
  EXPECT_EQ(json_field(client.get("/api/v1/tasks?limit=1").body, "total"), "300");
  EXPECT_EQ(server.stop().exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(data_));
  EXPECT_EQ(taskledger({"verify", "--data", directory_ / "moved"}).exit_code, 0);
}

}  // namespace
}  // namespace taskledger::e2e
