// Notifications over HTTP: who is told, reading, reading all, the same after a restart without views.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/e2e/harness.h"
#include "tests/e2e/nested_field.h"

namespace taskledger::e2e {
namespace {

using testing::HasSubstr;

constexpr auto kAda = "0a000000-0000-4000-8000-000000000001";
constexpr auto kBob = "0a000000-0000-4000-8000-000000000002";

std::size_t count(const std::string& text, std::string_view piece) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(piece, at)) != text.npos; at += piece.size()) ++n;
  return n;
}

TEST(NotificationsE2e, AssigningAndCompletingTellTheOthers) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  const std::string ada_token = create_token(data, "acme", kAda), bob_token = create_token(data, "acme", kBob),
                    stranger_token = create_token(data, "other", kBob);
  std::string bobs, adas;
  {
    Server server(data);
    HttpConnection ada(server.port(), ada_token), bob(server.port(), bob_token),
        stranger(server.port(), stranger_token);
    const std::string assigned = R"({"title": "Call", "assigned_to_id": ")" + std::string(kBob) + R"("})";
    const std::string task = json_field(ada.request("POST", "/api/v1/tasks", assigned).body, "task_id");
    ada.request("POST", "/api/v1/tasks", R"({"title": "Mine", "assigned_to_id": ")" + std::string(kAda) + R"("})");
    EXPECT_EQ(json_field(ada.get("/api/v1/notifications").body, "unread"), "0");
    const std::string first = bob.get("/api/v1/notifications").body;
    EXPECT_EQ(count(first, R"("type":"task_assigned")"), 1u);
    EXPECT_THAT(first, HasSubstr(R"("task_id":")" + task + R"(","title":"Call","actor":")" + kAda + "\""));
    EXPECT_THAT(first, HasSubstr(R"("read_at":null}],"unread":1,"nextCursor":null})"));
    EXPECT_EQ(stranger.get("/api/v1/notifications").body, R"({"data":[],"unread":0,"nextCursor":null})");

    // Completed by the assignee: the creator is told; again after reopening; not by a no-op.
    bob.request("PUT", "/api/v1/tasks/" + task + "/complete");
    bob.request("PUT", "/api/v1/tasks/" + task + "/complete");
    bob.request("PUT", "/api/v1/tasks/" + task + "/complete", R"({"completed": false})");
    bob.request("PUT", "/api/v1/tasks/" + task + "/complete");
    EXPECT_EQ(count(ada.get("/api/v1/notifications").body, R"("type":"task_completed")"), 2u);
    // Re-assigning twice tells twice; the title is that of then.
    ada.request("PUT", "/api/v1/tasks/" + task, R"({"assigned_to_id": null, "title": "Call again"})");
    ada.request("PUT", "/api/v1/tasks/" + task, R"({"assigned_to_id": ")" + std::string(kBob) + R"("})");
    const std::string twice = bob.get("/api/v1/notifications").body;
    EXPECT_EQ(count(twice, R"("type":"task_assigned")"), 2u);
    EXPECT_EQ(count(twice, R"("title":"Call")"), 1u);
    EXPECT_EQ(count(twice, R"("title":"Call again")"), 1u);

    // One page at a time, newest first.
    const std::string page = bob.get("/api/v1/notifications?limit=1").body;
    EXPECT_THAT(page, HasSubstr("Call again"));
    const std::string rest = bob.get("/api/v1/notifications?limit=1&cursor=" + json_field(page, "nextCursor")).body;
    EXPECT_EQ(count(rest, R"("title":"Call")"), 1u);
    EXPECT_EQ(json_field(rest, "nextCursor"), "null");
    EXPECT_EQ(bob.get("/api/v1/notifications?unread=true&cursor=" + json_field(page, "nextCursor")).status, 400u);

    // Read one; others' and unknown ones do not exist.
    const std::string id = nested_field(page, "id");
    EXPECT_EQ(ada.request("POST", "/api/v1/notifications/" + id + "/read").status, 404u);
    EXPECT_EQ(stranger.request("POST", "/api/v1/notifications/" + id + "/read").status, 404u);
    EXPECT_EQ(bob.request("POST", "/api/v1/notifications/none/read").status, 404u);
    EXPECT_EQ(bob.request("POST", "/api/v1/notifications/" + id + "/read", {}, "Idempotency-Key: k1\r\n").status, 204u);
    EXPECT_EQ(bob.request("POST", "/api/v1/notifications/" + id + "/read", {}, "Idempotency-Key: k1\r\n").status, 204u);
    EXPECT_EQ(bob.request("POST", "/api/v1/notifications/read-all", {}, "Idempotency-Key: k1\r\n").status, 422u);
    EXPECT_EQ(bob.request("POST", "/api/v1/notifications/" + id + "/read").status, 204u);
    EXPECT_EQ(json_field(bob.get("/api/v1/notifications").body, "unread"), "1");
    EXPECT_EQ(count(bob.get("/api/v1/notifications?unread=true").body, R"("id":)"), 1u);
    EXPECT_EQ(ada.request("POST", "/api/v1/notifications/read-all").status, 204u);
    EXPECT_EQ(ada.get("/api/v1/notifications?unread=true").body, R"({"data":[],"unread":0,"nextCursor":null})");

    // Deleting the task leaves them readable, marked.
    ada.request("DELETE", "/api/v1/tasks/" + task);
    bobs = bob.get("/api/v1/notifications").body;
    adas = ada.get("/api/v1/notifications").body;
    EXPECT_EQ(count(bobs, R"("task_deleted":true,"title":"Call)"), 2u);
    EXPECT_EQ(count(adas, R"("read_at":null)"), 0u);
    EXPECT_EQ(bob.get("/api/v1/notifications?unread=maybe").body,
              R"({"error":true,"code":"VALIDATION_ERROR","message":"Parameter 'unread' must be one of: true, false"})");
    server.kill();
  }
  for (const bool without_views : {false, true}) {
    if (without_views) std::filesystem::remove_all(data + "/views");
    Server server(data);
    EXPECT_EQ(HttpConnection(server.port(), bob_token).get("/api/v1/notifications").body, bobs);
    EXPECT_EQ(HttpConnection(server.port(), ada_token).get("/api/v1/notifications").body, adas);
    server.stop();
  }
}

TEST(NotificationsE2e, AnErasedTaskTakesItsNotificationsAlong) {
  const TemporaryDirectory directory;
  const std::string data = directory / "data";
  const std::string ada_token = create_token(data, "acme", kAda, "tasks:read,tasks:write,admin"),
                    bob_token = create_token(data, "acme", kBob);
  Server server(data);
  HttpConnection ada(server.port(), ada_token), bob(server.port(), bob_token);
  const std::string task = json_field(
      ada.request("POST", "/api/v1/tasks", R"({"title": "Secret", "assigned_to_id": ")" + std::string(kBob) + R"("})")
          .body,
      "task_id");
  EXPECT_THAT(bob.get("/api/v1/notifications").body, HasSubstr("Secret"));
  ada.request("DELETE", "/api/v1/tasks/" + task);
  EXPECT_EQ(ada.request("POST", "/api/v1/tasks/" + task + "/erase").status, 204u);
  EXPECT_EQ(bob.get("/api/v1/notifications").body, R"({"data":[],"unread":0,"nextCursor":null})");
  server.stop();
}

}  // namespace
}  // namespace taskledger::e2e
