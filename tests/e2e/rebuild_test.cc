// Rebuilds and checks of the real binary: through the admin API of a server that is written to, from the command line
// beside it and offline, and killed in the middle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kUser = "0a000000-0000-4000-8000-000000000001";
constexpr const char* kProjections = "/api/v1/admin/projections";

std::string event_line(int task, const std::string& type, const std::string& data) {
  char id[37];
  std::snprintf(id, sizeof id, "0b000000-0000-4000-8000-%012d", task);
  return std::string(R"({"task_id":")") + id + R"(","type":")" + type + R"(","time":"2024-01-01T00:00:00Z","actor":")" +
         kUser + R"(","data":)" + data + "}\n";
}

class Rebuild : public testing::Test {
 protected:
  TemporaryDirectory directory_;
  std::string data_ = directory_ / "data", token_;

  void import(int tasks) {
    std::ofstream file(directory_ / "events.ndjson");
    for (int i = 0; i < tasks; ++i) {
      file << event_line(i, "TaskCreated",
                         R"({"title":"Task )" + std::to_string(i) + R"(","due_date":"2024-02-01T00:00:00Z"})");
      if (i % 3 == 0) file << event_line(i, "TaskCompleted", "{}");
    }
    file.close();
    const Finished imported =
        taskledger({"import", "--data", data_, "--workspace", "acme", directory_ / "events.ndjson"});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
    token_ = create_token(data_, "acme", kUser, "tasks:read,tasks:write,audit:read,admin,operator");
  }
  void expect_checked() {
    const Finished checked = taskledger({"rebuild", "--data", data_, "--check"});
    EXPECT_EQ(checked.exit_code, 0) << checked.err << checked.out;
    EXPECT_THAT(checked.out, StartsWith("ok: "));
  }
};

TEST_F(Rebuild, OnAServerThatIsWrittenTo) {
  import(3'000);
  Server server(data_);
  std::atomic<bool> done{false};
  std::atomic<int> written{0};
  std::thread writer([&] {
    HttpConnection client(server.port(), token_);
    while (!done) {
      if (client.request("POST", "/api/v1/tasks", R"({"title": "Meanwhile"})").status == 201) ++written;
    }
  });
  HttpConnection client(server.port(), token_);
  const HttpReply before = client.get(kProjections);
  EXPECT_EQ(before.status, 200u);
  EXPECT_THAT(before.body, StartsWith(R"({"data":[{"name":"list","state":"live",)"));
  const Finished rebuilt = taskledger({"rebuild", "--url", server.url(), "--token", token_});
  EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
  EXPECT_THAT(rebuilt.out, HasSubstr("notifications: generation "));
  const Finished one = taskledger({"rebuild", "--url", server.url(), "--token", token_, "--projection", "stats"});
  EXPECT_EQ(one.exit_code, 0) << one.err;
  const Finished checked = taskledger({"rebuild", "--url", server.url(), "--token", token_, "--check"});
  EXPECT_EQ(checked.exit_code, 0) << checked.err << checked.out;
  const std::string metrics = client.get("/metrics").body;
  // Those that were asked for together count as one.
  EXPECT_THAT(metrics, AllOf(HasSubstr("taskledger_rebuilds_total{result=\"done\"}"), Not(HasSubstr("done\"} 0\n"))));
  EXPECT_THAT(metrics, HasSubstr("taskledger_rebuilds_total{result=\"failed\"} 0\n"));
  EXPECT_THAT(metrics, HasSubstr("taskledger_checks_total{result=\"done\"} "));
  EXPECT_THAT(metrics, HasSubstr("taskledger_check_differences_total 0\n"));
  EXPECT_THAT(metrics, Not(HasSubstr("taskledger_rows_checked_total 0\n")));
  done = true;
  writer.join();
  EXPECT_GT(written, 0);
  EXPECT_THAT(client.get("/api/v1/tasks?limit=1").body, HasSubstr("\"total\":" + std::to_string(3'000 + written)));
  EXPECT_EQ(client.request("POST", std::string(kProjections) + "/mode/check").status, 202u);
  EXPECT_EQ(client.request("POST", std::string(kProjections) + "/weather/check").status, 404u);
  EXPECT_EQ(client.get("/readyz").status, 200u);
  EXPECT_EQ(server.stop().exit_code, 0);
  expect_checked();
  const Finished offline = taskledger({"rebuild", "--data", data_, "--threads", "1", "--projection", "mode"});
  EXPECT_EQ(offline.exit_code, 0) << offline.err;
  EXPECT_THAT(offline.out, StartsWith("rebuilt from "));
  expect_checked();
}

// A check of what was never built says so: where there is nothing to compare, all is as the log says.
TEST_F(Rebuild, ACheckSaysHowFarItLooked) {
  import(3);  // the workspace, five events, a token
  const auto check = [&] { return taskledger({"rebuild", "--data", data_, "--check"}); };
  EXPECT_EQ(check().out, "ok: 0 rows are what the log says at position 0; the log is at 6\n");
  EXPECT_THAT(taskledger({"rebuild", "--data", data_, "--check", "--json"}).out,
              StartsWith(R"({"ok":true,"rows":0,"position":0,"differences":0,)"));
  EXPECT_EQ(taskledger({"rebuild", "--data", data_}).exit_code, 0);
  EXPECT_THAT(check().out, EndsWith(" rows are what the log says at position 6\n"));
  Server server(data_);
  EXPECT_THAT(taskledger({"rebuild", "--url", server.url(), "--token", token_, "--check"}).out,
              EndsWith(" rows are what the log says at position 6\n"));
}

TEST_F(Rebuild, NeedsTheScopeOperator) {
  import(1);
  const std::string plain = create_token(data_, "acme", kUser, "tasks:read,admin");
  Server server(data_);
  HttpConnection client(server.port(), plain);
  EXPECT_EQ(client.get(kProjections).status, 403u);
  EXPECT_EQ(client.request("POST", std::string(kProjections) + "/list/rebuild").status, 403u);
  const Finished refused = taskledger({"rebuild", "--url", server.url(), "--token", plain});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("operator"));
}

TEST_F(Rebuild, KilledInTheMiddleItLeavesWhatServed) {
  import(20'000);
  {
    Server server(data_);
    EXPECT_EQ(server.stop().exit_code, 0);
  }
  for (int round = 0; round < 6; ++round) {
    {
      Process rebuild({"rebuild", "--data", data_});
      ::usleep(static_cast<useconds_t>(20'000 + round * 60'000));
      rebuild.signal(SIGKILL);
      rebuild.wait();
    }
    expect_checked();
    Server server(data_);
    HttpConnection client(server.port(), token_);
    ASSERT_THAT(client.get("/api/v1/tasks?limit=1").body, HasSubstr("\"total\":20000"));
    ASSERT_EQ(client.request("POST", std::string(kProjections) + "/list/rebuild").status, 202u);
    ::usleep(static_cast<useconds_t>(round * 40'000));
    server.kill();
    expect_checked();
  }
}

}  // namespace
}  // namespace taskledger::e2e
