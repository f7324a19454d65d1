// A disk that fails under the real binary: its files may not grow any more (RLIMIT_FSIZE, set from outside while it
// runs), so a write of the log fails. Writes stop with 503, /readyz says why, reads go on, nothing is acknowledged,
// also after the disk is back; another start finds all that was acknowledged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <map>
#include <thread>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

constexpr auto kUser = "0a000000-0000-4000-8000-000000000001";
constexpr int kWriters = 4;

bool limit_file_size(const Process& process, rlim_t bytes) {
  rlimit limit{};
  if (::prlimit(process.pid(), RLIMIT_FSIZE, nullptr, &limit) != 0) return false;
  limit.rlim_cur = bytes;
  return ::prlimit(process.pid(), RLIMIT_FSIZE, &limit, nullptr) == 0;
}

std::string create_body(const std::string& title) { return R"({"title": ")" + title + R"(", "priority": "low"})"; }

using Titles = std::map<std::string, std::string>;  // by task id

// Creates until one is refused, which must be with 503; `acknowledged` gets the others.
void write_until_refused(std::uint16_t port, const std::string& token, int writer, Titles& acknowledged) {
  HttpConnection client(port, token);
  for (int i = 0; i < 1'000'000; ++i) {
    const std::string title = "Writer " + std::to_string(writer) + " task " + std::to_string(i);
    const HttpReply reply = client.request("POST", "/api/v1/tasks", create_body(title));
    if (reply.status == 201) {
      acknowledged[json_field(reply.body, "task_id")] = title;
      continue;
    }
    EXPECT_EQ(reply.status, 503u) << reply.body;
    EXPECT_EQ(json_field(reply.body, "code"), "UNAVAILABLE");
    EXPECT_TRUE(reply.headers.contains("retry-after"));
    return;
  }
  ADD_FAILURE() << "the disk does not fail";
}

void expect_readable(HttpConnection& client, const Titles& titles) {
  for (const auto& [id, title] : titles) {
    const HttpReply task = client.get("/api/v1/tasks/" + id);
    ASSERT_EQ(task.status, 200u) << "acknowledged and lost: " << id;
    EXPECT_EQ(json_field(task.body, "title"), title);
  }
}

void expect_refused(HttpConnection& client, const std::string& id) {
  EXPECT_EQ(client.request("POST", "/api/v1/tasks", create_body("Refused")).status, 503u);
  EXPECT_EQ(client.request("PUT", "/api/v1/tasks/" + id, R"({"title": "Refused"})").status, 503u);
  EXPECT_EQ(client.request("PUT", "/api/v1/tasks/" + id + "/complete").status, 503u);
  EXPECT_EQ(client.request("POST", "/api/v1/tasks/batch/delete", R"({"records": [{"task_id": ")" + id + "\"}]}").status,
            503u);
}

// RocksDB's writer of its own LOG ends the process when a write of it fails: ours must not.
TEST(FailingDisk, ACommandFailsWithOneLineAndNoMore) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data", token = create_token(data, "acme", kUser);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  for (const rlim_t bytes : {300, 2'000, 10'000}) {  // more than the line itself
    rlimit small = limit;
    small.rlim_cur = bytes;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const Finished stats = taskledger({"stats", "--data", data});
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    EXPECT_LE(stats.exit_code, 1) << bytes << ": " << stats.err;
    if (stats.exit_code == 1) {
      EXPECT_THAT(stats.err, HasSubstr("File too large"));
    }
  }
  EXPECT_EQ(taskledger({"stats", "--data", data}).exit_code, 0);
}

TEST(FailingDisk, WritesStopReadsGoOnAndNothingAcknowledgedIsLost) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data", token = create_token(data, "acme", kUser);
  Titles acknowledged;
  std::string total;
  {
    Server server(data);
    if (!limit_file_size(server.process(), RLIM_INFINITY)) GTEST_SKIP() << "prlimit() is not allowed here";
    HttpConnection client(server.port(), token);
    EXPECT_EQ(client.get("/readyz").status, 200u);
    const HttpReply first = client.request("POST", "/api/v1/tasks", create_body("First"));
    ASSERT_EQ(first.status, 201u);
    const std::string id = json_field(first.body, "task_id");
    acknowledged[id] = "First";

    ASSERT_TRUE(limit_file_size(server.process(), 256 << 10));
    std::array<Titles, kWriters> written;
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i)
      writers.emplace_back([&, i] { write_until_refused(server.port(), token, i, written[std::size_t(i)]); });
    for (std::thread& writer : writers) writer.join();
    for (Titles& titles : written) acknowledged.merge(titles);
    EXPECT_GT(acknowledged.size(), 50u) << "it failed before it was tried";

    ASSERT_TRUE(server.process().running());
    const HttpReply ready = client.get("/readyz");
    EXPECT_EQ(ready.status, 503u);
    EXPECT_THAT(ready.body, AnyOf(HasSubstr("too large"), HasSubstr("IO error"))) << ready.body;
    EXPECT_EQ(client.get("/healthz").status, 200u);
    expect_readable(client, acknowledged);
    total = json_field(client.get("/api/v1/tasks").body, "total");
    EXPECT_EQ(total, std::to_string(acknowledged.size())) << "what was refused shows, or what was not does not";
    expect_refused(client, id);

    // Nobody can know what reached the disk: only another start makes it write again.
    ASSERT_TRUE(limit_file_size(server.process(), RLIM_INFINITY));
    expect_refused(client, id);
    EXPECT_EQ(client.get("/readyz").status, 503u);
    EXPECT_EQ(client.get("/api/v1/tasks").status, 200u);
    server.stop();
  }
  const Finished verified = taskledger({"verify", "--data", data});
  EXPECT_EQ(verified.exit_code, 0) << verified.err << verified.out;
  Server server(data);
  HttpConnection client(server.port(), token);
  EXPECT_EQ(client.get("/readyz").status, 200u);
  expect_readable(client, acknowledged);
  EXPECT_EQ(client.request("POST", "/api/v1/tasks", create_body("After")).status, 201u);
  EXPECT_EQ(server.stop().exit_code, 0);
  const Finished checked = taskledger({"rebuild", "--check", "--data", data});
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
}

}  // namespace
}  // namespace taskledger::e2e
