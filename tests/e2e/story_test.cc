// The README's story: an empty directory, a token, a server, a few tasks, a restart; and what stays when it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kUser = "0a000000-0000-4000-8000-000000000001";

TEST(Story, CreateReadRestartAndReadAgain) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  const std::string token = create_token(data, "acme", kUser);
  std::string id, task, list, stats, etag;
  {
    Server server(data);
    HttpConnection client(server.port(), token);
    const HttpReply created = client.request("POST", "/api/v1/tasks",
                                             R"({"title": "Call Ada", "priority": "high", "due_date": "2020-01-02"})");
    ASSERT_EQ(created.status, 201u) << created.body;
    id = json_field(created.body, "task_id");
    EXPECT_EQ(created.body, R"({"task_id":")" + id + R"(","action":"created"})");
    EXPECT_EQ(created.headers.at("location"), "/api/v1/tasks/" + id);
    // A client reads its own writes.
    list = client.get("/api/v1/tasks?mode=overdue").body;
    EXPECT_THAT(list, HasSubstr(id));
    EXPECT_EQ(json_field(list, "total"), "1");
    EXPECT_EQ(client.request("PUT", "/api/v1/tasks/" + id + "/complete").body,
              R"({"task_id":")" + id + R"(","action":"completed"})");
    EXPECT_EQ(json_field(client.get("/api/v1/tasks?mode=overdue").body, "total"), "0");
    task = client.get("/api/v1/tasks/" + id).body;
    list = client.get("/api/v1/tasks").body;
    stats = client.get("/api/v1/tasks/stats?assigned_to=all").body;
    EXPECT_EQ(json_field(task, "due_date"), "2020-01-02T23:59:59Z");
    EXPECT_EQ(json_field(task, "completed_by"), kUser);
    const Finished stopped = server.stop();
    EXPECT_EQ(stopped.exit_code, 0) << stopped.err;
  }
  for (const bool without_views : {false, true}) {
    if (without_views) std::filesystem::remove_all(data + "/views");
    Server server(data);
    HttpConnection client(server.port(), token);
    EXPECT_EQ(client.get("/api/v1/tasks/" + id).body, task);
    EXPECT_EQ(client.get("/api/v1/tasks").body, list);
    EXPECT_EQ(client.get("/api/v1/tasks/stats?assigned_to=all").body, stats);
    EXPECT_EQ(server.stop().exit_code, 0);
  }
}

TEST(Story, ARevokedTokenIsNoLongerLetIn) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  const std::string token = create_token(data, "acme", kUser), other = create_token(data, "acme", kUser);
  std::string token_id;
  {
    Server server(data);
    token_id = json_field(HttpConnection(server.port(), token).get("/api/v1/me").body, "token_id");
    server.stop();
  }
  const Finished revoked = taskledger({"token", "revoke", "--data", data, token_id});
  EXPECT_EQ(revoked.exit_code, 0) << revoked.err;
  EXPECT_EQ(taskledger({"token", "revoke", "--data", data, token_id}).exit_code, 1) << "it is gone already";
  Server server(data);
  EXPECT_EQ(HttpConnection(server.port(), token).get("/api/v1/me").status, 401u);
  EXPECT_EQ(HttpConnection(server.port(), other).get("/api/v1/me").status, 200u);
}

TEST(Story, StopsBySigtermAndBySigint) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  for (const int number : {SIGTERM, SIGINT}) {
    Server server(data);
    HttpConnection idle(server.port(), "");
    EXPECT_EQ(idle.get("/healthz").status, 200u);  // an idle connection does not hold the end up
    server.process().signal(number);
    const Finished stopped = server.process().wait();
    EXPECT_EQ(stopped.exit_code, 0) << stopped.err;
  }
}

TEST(Story, ASecondProcessIsToldWhoHoldsTheDirectory) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  Server server(data);
  const std::string pid = std::to_string(server.process().pid());
  for (const auto& command : std::vector<std::vector<std::string>>{{"serve", "--data", data, "--listen", "127.0.0.1:0"},
                                                                   {"token", "list", "--data", data},
                                                                   {"rebuild", "--data", data}}) {
    const Finished refused = taskledger(command);
    EXPECT_EQ(refused.exit_code, 1) << command.front();
    EXPECT_THAT(refused.err, HasSubstr(pid)) << command.front();
    EXPECT_EQ(lines_of(refused.err).size(), 1u) << refused.err;
  }
}

TEST(Story, ReadersRunBesideTheServer) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data", token = create_token(data, "acme", kUser);
  Server server(data);
  HttpConnection client(server.port(), token);
  ASSERT_EQ(client.request("POST", "/api/v1/tasks", R"({"title": "Beside"})").status, 201u);
  const Finished verified = taskledger({"verify", "--data", data});
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
  EXPECT_THAT(verified.out, StartsWith("ok: "));
  const Finished exported = taskledger({"export", "--data", data, "--workspace", "acme"});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_THAT(exported.out, HasSubstr(R"("data":{"title":"Beside"}})"));
  const Finished events = taskledger({"events", "--data", data});
  EXPECT_EQ(events.exit_code, 0) << events.err;
  EXPECT_THAT(events.out, HasSubstr("TaskCreated"));

  Process follow({"events", "--data", data, "--follow"});
  ASSERT_EQ(client.request("POST", "/api/v1/tasks", R"({"title": "Followed"})").status, 201u);
  for (int i = 0; i < 5000 && follow.out().find("Followed") == std::string::npos; ++i) usleep(2000);
  EXPECT_THAT(follow.out(), HasSubstr("Followed"));
  follow.signal(SIGINT);
  EXPECT_EQ(follow.wait().exit_code, 0);
}

}  // namespace
}  // namespace taskledger::e2e
