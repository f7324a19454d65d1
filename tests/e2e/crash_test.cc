// kill -9 while eight writers write: whatever was acknowledged is there after the next start, whole and in order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

using testing::StartsWith;

constexpr auto kUser = "0a000000-0000-4000-8000-000000000001";
constexpr int kWriters = 8;

struct Written {
  std::string title, priority;
  bool completed = false;  // acknowledged
};
using Acknowledged = std::map<std::string, Written>;  // by task id

void write_until_killed(std::uint16_t port, const std::string& token, int writer, std::atomic<int>& total, Acknowledged& acknowledged) {
  HttpConnection client(port, token);
  for (int i = 0;; ++i) {
    Written task{"Writer " + std::to_string(writer) + " task " + std::to_string(i), i % 2 ? "high" : "low"};
    const HttpReply created = client.request("POST", "/api/v1/tasks", R"({"title": ")" + task.title + R"(", "priority": ")" + task.priority + R"("})");
    if (created.status != 201) return;
    const std::string id = json_field(created.body, "task_id");
    acknowledged[id] = task;
    ++total;
    if (i % 3 == 0) {
      if (client.request("PUT", "/api/v1/tasks/" + id + "/complete").status != 200) return;
      acknowledged[id].completed = true;
    }
  }
}

Acknowledged write_and_kill(Server& server, const std::string& token, int at_least) {
  std::array<Acknowledged, kWriters> parts;
  std::atomic<int> total = 0;
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i)
    writers.emplace_back([&, i] { write_until_killed(server.port(), token, i, total, parts[static_cast<std::size_t>(i)]); });
  while (total < at_least && server.process().running()) usleep(200);
  server.kill();
  for (std::thread& writer : writers) writer.join();
  Acknowledged all;
  for (Acknowledged& part : parts) all.merge(part);
  return all;
}

void expect_all_there(Server& server, const std::string& token, const Acknowledged& acknowledged) {
  HttpConnection client(server.port(), token);
  for (const auto& [id, written] : acknowledged) {
    const HttpReply task = client.get("/api/v1/tasks/" + id);
    ASSERT_EQ(task.status, 200u) << "acknowledged and lost: " << id;
    EXPECT_EQ(json_field(task.body, "title"), written.title);
    EXPECT_EQ(json_field(task.body, "priority"), written.priority);
    if (written.completed) {
      EXPECT_EQ(json_field(task.body, "is_completed"), "true") << id;
    }
  }
}

void expect_gapless(const std::string& exported) {
  const auto lines = lines_of(exported);
  for (std::size_t i = 0; i < lines.size(); ++i)
    ASSERT_THAT(lines[i], StartsWith("{\"position\":" + std::to_string(i + 1) + ","));
}

// All pages of the list, one after the other.
std::string whole_list(Server& server, const std::string& token) {
  HttpConnection client(server.port(), token);
  std::string all, cursor;
  do {
    const HttpReply page = client.get("/api/v1/tasks?limit=100&sort_by=created_at" + (cursor.empty() ? "" : "&cursor=" + cursor));
    EXPECT_EQ(page.status, 200u) << page.body;
    if (page.status != 200) return all;
    all += json_field(page.body, "data");
    cursor = json_field(page.body, "nextCursor");
  } while (!cursor.empty() && cursor != "null");
  return all;
}

TEST(Crash, NothingAcknowledgedIsLost) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const TemporaryDirectory directory;
  const std::string data = directory / "data", token = create_token(data, "acme", kUser);
  Acknowledged acknowledged;
  for (int round = 0; round < 4; ++round) {
    Server server(data);
    expect_all_there(server, token, acknowledged);
    acknowledged.merge(write_and_kill(server, token, static_cast<int>(random() % 600 + 50)));
  }
  const Finished verified = taskledger({"verify", "--data", data});
  EXPECT_EQ(verified.exit_code, 0) << verified.err << verified.out;

  std::string list;
  {
    Server server(data);
    expect_all_there(server, token, acknowledged);
    list = whole_list(server, token);
    EXPECT_EQ(server.stop().exit_code, 0);
  }
  const Finished exported = taskledger({"export", "--data", data, "--workspace", "acme"});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_GE(lines_of(exported.out).size(), acknowledged.size());
  expect_gapless(exported.out);

  std::filesystem::remove_all(data + "/views");
  Server server(data);
  EXPECT_EQ(whole_list(server, token), list);
}

}  // namespace
}  // namespace taskledger::e2e
