// Webhooks of the real server, to real sockets: many events to many endpoints through kill -9, none lost, each task's
// in order, repeats only with the same id; a rebuild sends nothing; the endpoints of the API. TASKLEDGER_WEBHOOK_EVENTS
// sets how many events (default 3,000).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "tests/e2e/harness.h"
#include "tests/e2e/nested_field.h"
#include "tests/reactors/receiver.h"

namespace taskledger::e2e {
namespace {

using reactors::Reaction;
using reactors::Received;
using reactors::Receiver;
using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kUser = "0a000000-0000-4000-8000-000000000001";
constexpr auto kScopes = "tasks:read,tasks:write,audit:read,admin";
const std::vector<std::string> kFlags{"--webhook-allow-private", "--webhook-first-retry", "50"};

// What one endpoint saw, and whether it was as promised.
class Record {
 public:
  void add(const Received& received) {
    const std::lock_guard lock(mutex_);
    ++messages_;
    const std::string id = received.headers.at("webhook-id");
    const std::uint64_t position = std::stoull(nested_field(received.body, "position"));
    if (!ids_.insert(id).second) {
      repeats_wrong_ += position_of_id_[id] != position;
      return;
    }
    position_of_id_[id] = position;
    std::uint64_t& last = last_of_task_[nested_field(received.body, "task_id")];
    disordered_ += position < last;
    last = std::max(last, position);
  }
  [[nodiscard]] std::size_t distinct() const {
    const std::lock_guard lock(mutex_);
    return ids_.size();
  }
  [[nodiscard]] std::size_t messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
  }
  void expect_in_order() const {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(disordered_, 0u);
    EXPECT_EQ(repeats_wrong_, 0u);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> ids_;
  std::map<std::string, std::uint64_t> position_of_id_, last_of_task_;
  std::size_t messages_ = 0, disordered_ = 0, repeats_wrong_ = 0;
};

bool eventually(const std::function<bool()>& holds, int seconds = 60) {
  for (int i = 0; i < seconds * 50; ++i) {
    if (holds()) return true;
    usleep(20'000);
  }
  return false;
}

std::string batch(int from, int count) {
  std::string body = R"({"records":[)";
  for (int i = 0; i < count; ++i)
    body += (i ? "," : "") + std::string(R"({"title":"Task )") + std::to_string(from + i) + "\"}";
  return body + "]}";
}

TEST(WebhooksE2e, ManyEventsToTenEndpointsThroughKillNine) {
  constexpr std::size_t kEndpoints = 10;
  const char* wanted = std::getenv("TASKLEDGER_WEBHOOK_EVENTS");
  const int events = wanted ? std::atoi(wanted) : 3'000;
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  const std::string token = create_token(data, "acme", kUser, kScopes);
  std::vector<std::unique_ptr<Record>> records;
  std::vector<std::unique_ptr<std::atomic<unsigned>>> counters;
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    records.push_back(std::make_unique<Record>());
    counters.push_back(std::make_unique<std::atomic<unsigned>>(0));
    receivers.push_back(std::make_unique<Receiver>(
        [i, record = records.back().get(), counter = counters.back().get()](const Received& received) {
          const unsigned n = ++*counter;
          if (i == 1 && n % 50 == 0) return Reaction{.status = 500};  // before it looks at it
          record->add(received);
          return Reaction{.status = i == 2 && n % 70 == 0 ? 503u : 204u, .reset = i == 3 && n % 60 == 0};
        }));
    receivers.back()->keep_nothing();
  }
  int written = 0;
  bool registered = false;
  std::vector<std::string> tasks;
  for (int life = 0; life < 3; ++life) {
    Server server(data, kFlags);
    HttpConnection client(server.port(), token);
    if (!std::exchange(registered, true)) {
      for (const auto& receiver : receivers) {
        ASSERT_EQ(client.request("POST", "/api/v1/webhooks", R"({"url": ")" + receiver->url() + "\"}").status, 201u);
      }
    }
    for (const int goal = life == 2 ? events : events * (life + 1) / 3; written < goal;) {
      if (tasks.size() < 100 || written % 200 < 100) {
        const auto made =
            client.request("POST", "/api/v1/tasks/batch/create", batch(written, std::min(100, goal - written)));
        ASSERT_EQ(made.status, 200u) << made.body;
        for (std::size_t at = 0; (at = made.body.find(R"("task_id":")", at)) != std::string::npos; at += 40) {
          tasks.push_back(made.body.substr(at + 11, 36));
          ++written;
        }
      } else {
        std::string body = R"({"records":[)";
        const int count = std::min(100, goal - written);
        for (int i = 0; i < count; ++i) {
          body += (i ? R"(,{"task_id":")" : R"({"task_id":")") + tasks[static_cast<std::size_t>(i)] +
                  R"(","title":"Changed )" + std::to_string(written) + "\"}";
        }
        ASSERT_EQ(client.request("POST", "/api/v1/tasks/batch/update", body + "]}").status, 200u);
        written += count;
      }
    }
    if (life < 2) {
      usleep(50'000);  // in the middle of it
      server.kill();
      continue;
    }
    for (std::size_t i = 0; i < kEndpoints; ++i) {
      EXPECT_TRUE(eventually([&] { return records[i]->distinct() == static_cast<std::size_t>(events); }, 600))
          << i << ": " << records[i]->distinct() << " of " << events;
      records[i]->expect_in_order();
    }
    server.stop();
  }
  // The read models anew: nothing is sent.
  std::vector<std::size_t> before;
  for (const auto& record : records) before.push_back(record->messages());
  std::filesystem::remove_all(data + "/views");
  Server server(data, kFlags);
  HttpConnection client(server.port(), token);
  // One more event, and only that arrives.
  ASSERT_EQ(client.request("POST", "/api/v1/tasks", R"({"title": "The last"})").status, 201u);
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    EXPECT_TRUE(eventually([&] { return records[i]->distinct() == static_cast<std::size_t>(events) + 1; }));
    EXPECT_LE(records[i]->messages(), before[i] + 3) << "retries of the one aside";
  }
  server.stop();
}

TEST(WebhooksE2e, TheEndpointsOfTheApi) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  const std::string token = create_token(data, "acme", kUser, kScopes), plain = create_token(data, "acme", kUser),
                    stranger_token = create_token(data, "other", kUser, kScopes);
  Receiver receiver;
  Server server(data, kFlags);
  HttpConnection client(server.port(), token), stranger(server.port(), stranger_token);
  EXPECT_EQ(HttpConnection(server.port(), plain).get("/api/v1/webhooks").status, 403u);
  EXPECT_EQ(client.get("/api/v1/webhooks").body, R"({"data":[]})");
  const auto made = client.request(
      "POST", "/api/v1/webhooks", R"({"url": ")" + receiver.url() + R"(", "types": ["task.created", "task.deleted"]})");
  ASSERT_EQ(made.status, 201u) << made.body;
  const std::string id = json_field(made.body, "id"), at = "/api/v1/webhooks/" + id;
  EXPECT_EQ(made.body, R"({"id":")" + id + R"(","secret":")" + json_field(made.body, "secret") + "\"}");
  EXPECT_THAT(json_field(made.body, "secret"), StartsWith("whsec_"));
  EXPECT_THAT(client.get("/api/v1/webhooks").body,
              HasSubstr(R"("url":")" + receiver.url() +
                        R"(","types":["task.created","task.deleted"],"paused":false,"problem":null,"created_at":")"));

  const auto refused = [&](std::string_view body) { return client.request("POST", "/api/v1/webhooks", body).body; };
  EXPECT_EQ(
      refused(R"({"url": "ftp://a"})"),
      R"({"error":true,"code":"VALIDATION_ERROR","message":"Field 'url' must be an absolute http or https URL"})");
  EXPECT_EQ(refused("{}"), R"({"error":true,"code":"VALIDATION_ERROR","message":"Field 'url' is required"})");
  EXPECT_EQ(refused("[]"), R"({"error":true,"code":"VALIDATION_ERROR","message":"Body must be a JSON object"})");
  EXPECT_EQ(
      client.request("POST", "/api/v1/webhooks", R"({"url": "http://a.example"})", "Idempotency-Key: x\r\n").status,
      400u);

  EXPECT_EQ(client.request("POST", at + "/ping").status, 202u);
  ASSERT_TRUE(receiver.wait_for(1));
  client.request("POST", "/api/v1/tasks", R"({"title": "A"})");
  ASSERT_TRUE(receiver.wait_for(2));
  ASSERT_TRUE(eventually(
      [&] { return client.get(at + "/deliveries?state=done").body.find("task.created") != std::string::npos; }));
  const std::string done = client.get(at + "/deliveries?state=done&limit=1").body;
  EXPECT_THAT(done, HasSubstr(R"("state":"done","type":"task.created","event_id":")"));
  EXPECT_EQ(client.request("POST", at + "/deliveries/" + nested_field(done, "id") + "/redeliver").status, 202u);
  ASSERT_TRUE(receiver.wait_for(3));
  EXPECT_EQ(receiver.all()[2].headers.at("webhook-id"), receiver.all()[1].headers.at("webhook-id"));
  const std::string no_hash = "msg_" + std::string(32, '0');
  for (const std::string& unknown : {std::string("nothing"), no_hash + "_0", no_hash + "_00", no_hash + "_1"}) {
    EXPECT_EQ(client.request("POST", at + "/deliveries/" + unknown + "/redeliver").body,
              R"({"error":true,"code":"RECORD_NOT_FOUND","message":"Delivery not found"})")
        << unknown;
  }
  EXPECT_EQ(client.get(at + "/deliveries?cursor=done.18446744073709551615").body,
            R"({"error":true,"code":"VALIDATION_ERROR","message":"Parameter 'cursor' is not one of this list"})");
  EXPECT_EQ(
      client.get(at + "/deliveries?state=lost").body,
      R"({"error":true,"code":"VALIDATION_ERROR","message":"Parameter 'state' must be one of: pending, parked, done"})");

  EXPECT_EQ(client.request("POST", at + "/pause").status, 204u);
  client.request("POST", "/api/v1/tasks", R"({"title": "B"})");
  EXPECT_THAT(client.get(at + "/deliveries?state=pending").body, HasSubstr(R"("attempts":0)"));
  EXPECT_EQ(client.request("POST", at + "/resume").status, 204u);
  ASSERT_TRUE(receiver.wait_for(4));
  EXPECT_EQ(client.request("POST", at + "/replay", R"({"after": 0})").status, 202u);
  ASSERT_TRUE(receiver.wait_for(6));
  EXPECT_EQ(client.request("POST", at + "/replay", R"({"after": 99})").status, 400u);
  const auto rotated = client.request("POST", at + "/rotate-secret");
  EXPECT_EQ(rotated.status, 200u);
  EXPECT_THAT(json_field(rotated.body, "secret"), StartsWith("whsec_"));

  for (const auto* action : {"/ping", "/pause", "/resume", "/rotate-secret"})
    EXPECT_EQ(stranger.request("POST", at + action).status, 404u) << action;
  EXPECT_EQ(stranger.request("DELETE", at).status, 404u);
  EXPECT_EQ(stranger.get("/api/v1/webhooks").body, R"({"data":[]})");
  EXPECT_EQ(client.request("DELETE", at).status, 204u);
  EXPECT_EQ(client.request("DELETE", at).body,
            R"({"error":true,"code":"RECORD_NOT_FOUND","message":"Webhook not found"})");
  server.stop();
}

TEST(WebhooksE2e, NothingUnsignedIsSentWithAnotherKey) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  const std::string token = create_token(data, "acme", kUser, kScopes);
  Receiver receiver;
  std::string at;
  {
    Server server(data, kFlags);
    HttpConnection client(server.port(), token);
    const auto made = client.request("POST", "/api/v1/webhooks", R"({"url": ")" + receiver.url() + "\"}");
    at = "/api/v1/webhooks/" + json_field(made.body, "id");
    server.stop();
  }
  std::filesystem::remove(data + "/secret.key");
  Server server(data, kFlags);
  HttpConnection client(server.port(), token);
  EXPECT_EQ(
      client.request("POST", at + "/ping").body,
      R"({"error":true,"code":"CONFLICT","message":"Nothing can be sent: the secret cannot be decrypted with this server's key; rotate it"})");
  EXPECT_TRUE(receiver.all().empty());
  EXPECT_EQ(client.request("POST", at + "/rotate-secret").status, 200u);
  EXPECT_EQ(client.request("POST", at + "/ping").status, 202u);
  ASSERT_TRUE(receiver.wait_for(1));
  EXPECT_THAT(receiver.all()[0].headers.at("webhook-signature"), StartsWith("v1,"));
  server.stop();
}

TEST(WebhooksE2e, PrivateAddressesAreRefusedByDefault) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  const std::string token = create_token(data, "acme", kUser, kScopes);
  Server server(data);
  HttpConnection client(server.port(), token);
  const auto refused = client.request("POST", "/api/v1/webhooks", R"({"url": "http://127.0.0.1:9/"})");
  EXPECT_EQ(refused.status, 400u);
  EXPECT_EQ(
      refused.body,
      R"({"error":true,"code":"VALIDATION_ERROR","message":"Field 'url' must not lead to a private, loopback or link-local address"})");
  server.stop();
}

}  // namespace
}  // namespace taskledger::e2e
