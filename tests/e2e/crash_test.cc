// kill -9 while eight writers write: whatever was acknowledged is there after the next start, whole and in order; a
// batch is there whole or not at all; a create whose answer never came is sent again under its key and is there once.
// TASKLEDGER_CRASH_ROUNDS sets how often it is killed (`./dev crash --rounds N`).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

using testing::StartsWith;

constexpr auto kUser = "0a000000-0000-4000-8000-000000000001";
constexpr int kWriters = 8;

constexpr int kBatch = 5;

struct Written {
  std::string title, priority;
  bool completed = false;  // acknowledged
};
struct Unanswered {
  std::string key, title, body;
};
struct Writes {
  std::map<std::string, Written> acknowledged;  // by task id
  std::vector<std::string> batches;             // acknowledged ones: what the titles of their tasks begin with
  std::vector<std::string> titles;              // of creates with a key, answered or not
  std::vector<Unanswered> unanswered;

  void merge(Writes& other) {
    acknowledged.merge(other.acknowledged);
    batches.insert(batches.end(), other.batches.begin(), other.batches.end());
    titles.insert(titles.end(), other.titles.begin(), other.titles.end());
    unanswered.insert(unanswered.end(), other.unanswered.begin(), other.unanswered.end());
  }
};

std::string key_header(const std::string& key) { return "Idempotency-Key: " + key + "\r\n"; }

bool write_batch(HttpConnection& client, const std::string& name, Writes& writes) {
  std::string records;
  for (int i = 0; i < kBatch; ++i)
    records += (i ? "," : "") + (R"({"title": "Batch )" + name + " part " + std::to_string(i) + "\"}");
  if (client.request("POST", "/api/v1/tasks/batch/create", R"({"records": [)" + records + "]}").status != 200)
    return false;
  writes.batches.push_back("Batch " + name + " part ");
  return true;
}

void write_until_killed(std::uint16_t port, const std::string& token, const std::string& writer,
                        std::atomic<int>& total, Writes& writes) {
  HttpConnection client(port, token);
  for (int i = 0;; ++i) {
    const std::string name = writer + "." + std::to_string(i);
    Written task{"Writer " + name, i % 2 ? "high" : "low"};
    const std::string body = R"({"title": ")" + task.title + R"(", "priority": ")" + task.priority + R"("})";
    writes.titles.push_back(task.title);
    const HttpReply created = client.request("POST", "/api/v1/tasks", body, key_header(name));
    if (created.status != 201) {
      if (created.status == 0) writes.unanswered.push_back({name, task.title, body});
      return;
    }
    const std::string id = json_field(created.body, "task_id");
    writes.acknowledged[id] = task;
    ++total;
    if (i % 3 == 0) {
      if (client.request("PUT", "/api/v1/tasks/" + id + "/complete").status != 200) return;
      writes.acknowledged[id].completed = true;
    }
    if (i % 4 == 1 && !write_batch(client, name, writes)) return;
  }
}

Writes write_and_kill(Server& server, const std::string& token, int round, int at_least) {
  std::array<Writes, kWriters> parts;
  std::atomic<int> total = 0;
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i)
    writers.emplace_back([&, i] {
      write_until_killed(server.port(), token, std::to_string(round) + "." + std::to_string(i), total,
                         parts[static_cast<std::size_t>(i)]);
    });
  while (total < at_least && server.process().running()) usleep(200);
  server.kill();
  for (std::thread& writer : writers) writer.join();
  Writes all;
  for (Writes& part : parts) all.merge(part);
  return all;
}

// Both times the same answer, and the task is there.
void send_again(Server& server, const std::string& token, Writes& writes) {
  HttpConnection client(server.port(), token);
  for (const Unanswered& one : writes.unanswered) {
    const HttpReply first = client.request("POST", "/api/v1/tasks", one.body, key_header(one.key));
    ASSERT_EQ(first.status, 201u) << first.body;
    const HttpReply second = client.request("POST", "/api/v1/tasks", one.body, key_header(one.key));
    EXPECT_EQ(second.status, 201u);
    EXPECT_EQ(second.body, first.body);
    writes.acknowledged[json_field(first.body, "task_id")] = {one.title, json_field(one.body, "priority")};
  }
  writes.unanswered.clear();
}

void expect_all_there(Server& server, const std::string& token, const Writes& writes) {
  HttpConnection client(server.port(), token);
  for (const auto& [id, written] : writes.acknowledged) {
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

// Every title of a batch as often as every other of it, every title of a create with a key at most once.
void expect_whole_and_once(const std::string& exported, const Writes& writes) {
  std::map<std::string, int> created;
  for (const std::string& line : lines_of(exported)) {
    if (json_field(line, "type") == "TaskCreated") ++created[json_field(json_field(line, "data"), "title")];
  }
  for (const std::string& title : writes.titles) EXPECT_LE(created[title], 1) << title << " was written twice";
  for (const std::string& batch : writes.batches) {
    for (int i = 0; i < kBatch; ++i) EXPECT_EQ(created[batch + std::to_string(i)], 1) << batch << i;
  }
  for (const auto& [title, count] : created) {
    if (!title.starts_with("Batch ")) continue;
    const std::string batch = title.substr(0, title.rfind(' ') + 1);
    for (int i = 0; i < kBatch; ++i) EXPECT_EQ(created[batch + std::to_string(i)], 1) << "half a batch: " << batch;
  }
}

// All pages of the list, one after the other.
std::string whole_list(Server& server, const std::string& token) {
  HttpConnection client(server.port(), token);
  std::string all, cursor;
  do {
    const HttpReply page =
        client.get("/api/v1/tasks?limit=100&sort_by=created_at" + (cursor.empty() ? "" : "&cursor=" + cursor));
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
  const char* given = std::getenv("TASKLEDGER_CRASH_ROUNDS");
  const int rounds = given ? std::atoi(given) : 4;
  const TemporaryDirectory directory;
  const std::string data = directory / "data", token = create_token(data, "acme", kUser);
  Writes all;
  for (int round = 0; round < rounds && !testing::Test::HasFatalFailure(); ++round) {
    Server server(data);
    expect_all_there(server, token, all);
    send_again(server, token, all);
    Writes written = write_and_kill(server, token, round, static_cast<int>(random() % 600 + 50));
    all.merge(written);
  }
  const Finished verified = taskledger({"verify", "--data", data});
  EXPECT_EQ(verified.exit_code, 0) << verified.err << verified.out;

  std::string list;
  {
    Server server(data);
    expect_all_there(server, token, all);
    send_again(server, token, all);
    list = whole_list(server, token);
    EXPECT_EQ(server.stop().exit_code, 0);
  }
  const Finished exported = taskledger({"export", "--data", data, "--workspace", "acme"});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_GE(lines_of(exported.out).size(), all.acknowledged.size());
  expect_gapless(exported.out);
  expect_whole_and_once(exported.out, all);
  const Finished checked = taskledger({"rebuild", "--check", "--data", data});
  EXPECT_EQ(checked.exit_code, 0) << checked.err;

  std::filesystem::remove_all(data + "/views");
  Server server(data);
  EXPECT_EQ(whole_list(server, token), list);
  std::printf("%d kills, %zu acknowledged tasks\n", rounds, all.acknowledged.size());
}

}  // namespace
}  // namespace taskledger::e2e
