// The writes of Part A and B, one task and batches: whole answers.
#include <atomic>
#include <thread>

#include "tests/http/api_fixture.h"

namespace taskledger::http::test {
namespace {

constexpr std::string_view kNobody = "00000000-0000-4000-8000-0000000000aa";

class WritesTest : public ApiTest {
 protected:
  std::string done(std::string_view id, std::string_view action, int version, std::string_view more = {}) {
    return "200\nETag: \"" + std::to_string(version) + "\"\n{\"task_id\":\"" + std::string(id) + R"(","action":")" +
           std::string(action) + "\"" + std::string(more) + "}";
  }
  std::string conflict(std::string_view message) { return error(409, "CONFLICT", message); }
};

TEST_F(WritesTest, Create) {
  const auto answer = call("POST ~/tasks", R"({"title":"  Call back  ","priority":"high"})");
  const auto id = answer.substr(answer.find(R"("task_id":")") + 11, 36);
  EXPECT_EQ(answer,
            "201\nETag: \"1\"\nLocation: /api/v1/tasks/" + id + "\n{\"task_id\":\"" + id + R"(","action":"created"})");
  EXPECT_EQ(position, "1");
  EXPECT_EQ(call("GET ~/tasks/" + id),
            "200\nETag: \"1\"\n{\"id\":\"" + id +
                R"(","title":"Call back","due_date":null,"priority":"high","action_type":null,"is_completed":false,)"
                R"("completed_at":null,"completed_by":null,"assigned_to_id":null,"created_by":")" +
                std::string(kUser) + R"(","created_at":"2025-03-17T10:00:00Z","updated_at":"2025-03-17T10:00:00Z"})");
}

// Kept beside every event of the request; what is no W3C traceparent by its length is not.
TEST_F(WritesTest, KeepsTheTraceparentBesideTheEvents) {
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  call("POST ~/tasks", R"({"title":"traced"})", {{"traceparent", trace}});
  call("POST ~/tasks/batch/create", R"({"records":[{"title":"a"},{"title":"b"}]})", {{"traceparent", trace}});
  call("POST ~/tasks", R"({"title":"not"})", {{"traceparent", trace + "0"}});
  call("POST ~/tasks", R"({"title":"none"})");
  std::vector<std::string> traces;
  ASSERT_TRUE(log->read_workspace(WorkspaceNumber{1}, {0}, [&](const storage::Record& record) {
    traces.emplace_back(record.trace);
    return true;
  }));
  EXPECT_EQ(traces, (std::vector<std::string>{trace, trace, trace, "", ""}));
}

TEST_F(WritesTest, CreateReadsTimesInTheCallersZone) {
  const auto id = make(R"({"title":"x","due_date":"2025-03-20"})");
  EXPECT_NE(call("GET ~/tasks/" + id).find(R"("due_date":"2025-03-20T23:59:59Z")"), std::string::npos);
  const auto answer = call("POST ~/tasks?timezone=America/New_York", R"({"title":"x","due_date":"2025-03-20"})");
  const auto other = answer.substr(answer.find(R"("task_id":")") + 11, 36);
  EXPECT_NE(call("GET ~/tasks/" + other).find(R"("due_date":"2025-03-21T03:59:59Z")"), std::string::npos);
}

TEST_F(WritesTest, CreateNamesWhatIsWrong) {
  EXPECT_EQ(call("POST ~/tasks", R"({"title":"x","priority":"urgent"})"),
            invalid("Field 'priority' must be one of: low, medium, high"));
  EXPECT_EQ(call("POST ~/tasks", R"({"title":"x","action_type":"fax"})"),
            invalid("Field 'action_type' must be one of: call, email, meeting, linkedin_message, whatsapp_message"));
  EXPECT_EQ(call("POST ~/tasks",
                 R"({"title":"x","linked_entities":[{"id":"00000000-0000-4000-8000-000000000001","type":"dogs"}]})"),
            invalid("Field 'linked_entities[0].type' must be one of: contacts, companies, opportunities"));
  EXPECT_EQ(log->workspace_head(WorkspaceNumber{1}).position, WorkspacePosition{0}) << "and writes nothing";
}

TEST_F(WritesTest, Update) {
  const auto id = make(R"({"title":"one"})");
  EXPECT_EQ(call("PUT ~/tasks/" + id, R"({"title":"two"})"), done(id, "updated", 2));
  EXPECT_EQ(position, "2");
  EXPECT_EQ(call("PATCH ~/tasks/" + id, R"({"title":"two","is_completed":true})"), done(id, "updated", 2))
      << "already so";
  EXPECT_EQ(call("PUT ~/tasks/" + id, "{}"), invalid("Body must have at least one field"));
  EXPECT_EQ(call("PUT ~/tasks/" + id, R"({"title":null})"), invalid("Field 'title' cannot be cleared"));
  EXPECT_EQ(call("PUT ~/tasks/nonsense", R"({"title":"x"})"), not_found());
  EXPECT_EQ(call("PUT ~/tasks/nonsense", R"({"title":""})").substr(0, 4), "400\n") << "values before existence";
  EXPECT_EQ(call("PUT ~/tasks/" + std::string(kNobody), R"({"title":"x"})"), not_found());
}

TEST_F(WritesTest, Complete) {
  const auto id = make(R"({"title":"one"})");
  now.ms += 1000;
  EXPECT_EQ(call("PUT ~/tasks/" + id + "/complete"), done(id, "completed", 2));
  now.ms += 1000;
  EXPECT_EQ(call("PUT ~/tasks/" + id + "/complete", R"({"completed":true})"), done(id, "completed", 2));
  EXPECT_NE(
      call("GET ~/tasks/" + id).find(R"("completed_at":"2025-03-17T10:00:01Z","completed_by":")" + std::string(kUser)),
      std::string::npos);
  EXPECT_EQ(call("PUT ~/tasks/" + id + "/complete", R"({"completed":false})"), done(id, "reopened", 3));
  EXPECT_EQ(call("PUT ~/tasks/" + id + "/complete", R"({"completed":1})").substr(0, 4), "400\n");
  EXPECT_EQ(call("PUT ~/tasks/" + std::string(kNobody) + "/complete"), not_found());
}

// The answer comes when the purge has ended; the worker that began it has gone on long before.
TEST_F(WritesTest, NoWorkerWaitsForTheEndOfAPurge) {
  const auto id = make(R"({"title":"one"})");
  EXPECT_EQ(call("DELETE ~/tasks/" + id), "204\n");
  std::jthread rebuild;
  std::atomic<bool> ended{false};
  models->hold_purge = [&](std::function<void()> end) {
    rebuild = std::jthread([&, end = std::move(end)] {
      while (workers.busy) std::this_thread::yield();
      ended = true;
      end();
    });
  };
  EXPECT_EQ(call("POST ~/tasks/" + id + "/erase"), "204\n");
  EXPECT_TRUE(ended);
  models->hold_purge = nullptr;
  workers.stopped = true;
  EXPECT_EQ(call("POST ~/tasks/" + id + "/erase"), error(503, "UNAVAILABLE", "The server is stopping"));
}

TEST_F(WritesTest, DeleteRestoreEraseAndAfter) {
  const auto id = make(R"({"title":"one"})");
  EXPECT_EQ(call("POST ~/tasks/" + id + "/restore"), conflict("Task is not deleted"));
  EXPECT_EQ(call("POST ~/tasks/" + id + "/erase"), conflict("Task is not deleted"));
  EXPECT_EQ(call("DELETE ~/tasks/" + id), "204\n");
  EXPECT_EQ(position, "2");
  for (const auto& line : {"GET ~/tasks/" + id, "DELETE ~/tasks/" + id, "PUT ~/tasks/" + id + "/complete",
                           "GET ~/tasks/" + id + "?include=linked_entities"}) {
    EXPECT_EQ(call(line), not_found()) << line;
  }
  EXPECT_EQ(call("POST ~/tasks/" + id + "/restore"), done(id, "restored", 3));
  EXPECT_EQ(call("DELETE ~/tasks/" + id), "204\n");
  EXPECT_EQ(call("POST ~/tasks/" + id + "/erase"), "204\n");
  EXPECT_EQ(call("POST ~/tasks/" + id + "/erase"), "204\n");
  EXPECT_EQ(call("POST ~/tasks/" + id + "/restore"), conflict("Task is erased"));
  EXPECT_EQ(call("POST ~/tasks/" + id + "/undo"), conflict("Task is erased"));
  EXPECT_EQ(call("GET ~/tasks/" + id + "?version=1"), not_found());
  const auto history = call("GET ~/tasks/" + id + "/history");
  EXPECT_EQ(history.find("one"), std::string::npos);
  EXPECT_NE(history.find(R"("type":"TaskErased")"), std::string::npos);
}

TEST_F(WritesTest, Undo) {
  const auto id = make(R"({"title":"one"})");
  (void)call("PUT ~/tasks/" + id, R"({"title":"two"})");
  const auto event = [&](std::uint32_t version) {
    return to_string(derived_event_id(workspace_id_of("acme"), TaskId{*parse_uuid(id)}, Version{version}));
  };
  EXPECT_EQ(call("POST ~/tasks/" + id + "/undo"), done(id, "undone", 3, R"(,"event_id":")" + event(3) + "\""));
  EXPECT_EQ(call("POST ~/tasks/" + id + "/undo", R"({"event_id":")" + event(2) + "\"}"),
            conflict("A later event changed the same fields"));
  EXPECT_EQ(call("POST ~/tasks/" + id + "/undo", R"({"event_id":"00000000-0000-4000-8000-000000000001"})"),
            error(404, "RECORD_NOT_FOUND", "Event not found"));
  EXPECT_EQ(call("POST ~/tasks/" + id + "/undo", R"({"event_id":7})").substr(0, 4), "400\n");
}

TEST_F(WritesTest, IfMatch) {
  const auto id = make(R"({"title":"one"})");
  const auto failed = error(412, "PRECONDITION_FAILED", "Header 'If-Match' does not name the task's current version");
  const auto put = [&](std::string_view match) {
    return call("PUT ~/tasks/" + id, R"({"title":"one"})", {{"If-Match", std::string(match)}});
  };
  EXPECT_EQ(put("\"1\""), done(id, "updated", 1));
  EXPECT_EQ(put("*"), done(id, "updated", 1));
  for (const auto* match : {"\"7\", \"1\"", "\"1\",", ", \"7\",,\"1\""})
    EXPECT_EQ(put(match), done(id, "updated", 1)) << match;
  for (const auto* match : {"\"2\"", "\"01\"", "\"x\"", "W/\"1\"", "\"\""}) EXPECT_EQ(put(match), failed) << match;
  for (const auto* match : {"", ",", "1", "\"1", "\"1\" \"2\"", "*, \"1\""}) {
    EXPECT_EQ(put(match), invalid("Header 'If-Match' must be * or a list of entity tags")) << match;
  }
  EXPECT_EQ(call("PUT ~/tasks/" + id + "/complete", {}, {{"If-Match", "\"9\""}}), failed);
  EXPECT_EQ(call("DELETE ~/tasks/" + id, {}, {{"If-Match", "\"9\""}}), failed);
  EXPECT_EQ(call("DELETE ~/tasks/" + std::string(kNobody), {}, {{"If-Match", "\"9\""}}), not_found())
      << "existence first";
  EXPECT_EQ(call("DELETE ~/tasks/" + id, {}, {{"If-Match", "\"1\""}}), "204\n");
}

TEST_F(WritesTest, IdempotencyKey) {
  const Headers key{{"Idempotency-Key", "k-1"}};
  const auto first = call("POST ~/tasks", R"({"title":"one"})", key);
  EXPECT_EQ(call("POST ~/tasks", R"({"title":"one"})", key), first);
  EXPECT_EQ(call("POST ~/tasks", R"({"title":"two"})", key),
            error(422, "IDEMPOTENCY_KEY_REUSED", "Header 'Idempotency-Key' was used with another request"));
  EXPECT_EQ(call("POST ~/tasks?timezone=UTC", R"({"title":"one"})", key).substr(0, 4), "422\n");
  EXPECT_EQ(log->workspace_head(WorkspaceNumber{1}).position, WorkspacePosition{1});
  const auto id = first.substr(first.find(R"("task_id":")") + 11, 36);
  EXPECT_EQ(call("DELETE ~/tasks/" + id, {}, {{"Idempotency-Key", "k-2"}}), "204\n");
  EXPECT_EQ(call("DELETE ~/tasks/" + id, {}, {{"Idempotency-Key", "k-2"}}), "204\n")
      << "the kept answer before existence";
  for (const auto* line : {"DELETE ~/tasks/no-uuid", "POST ~/tasks/no-uuid/restore"}) {
    EXPECT_EQ(call(line, {}, key).substr(0, 4), "422\n") << line;
    EXPECT_EQ(call(line, {}, {{"Idempotency-Key", "k-3"}}), not_found()) << line;
    EXPECT_EQ(call(line), not_found()) << line;
  }
  EXPECT_EQ(call("POST ~/tasks", R"({"title":"one"})", {{"Idempotency-Key", "k-3"}}).substr(0, 4), "201\n")
      << "a refusal keeps no key";
  const auto bad = invalid("Header 'Idempotency-Key' must have 1 to 255 visible characters");
  for (const auto& value : {std::string(), std::string("a b"), std::string("\xc3\xa9"), std::string(256, 'k')}) {
    EXPECT_EQ(call("POST ~/tasks", R"({"title":"one"})", {{"Idempotency-Key", value}}), bad);
  }
  EXPECT_EQ(call("POST ~/admin/tokens", "{}", key), invalid("Header 'Idempotency-Key' is not for this request"));
  EXPECT_EQ(call("GET ~/me", {}, {{"Idempotency-Key", "a b"}}).substr(0, 4), "200\n") << "ignored on reads";
}

TEST_F(WritesTest, Batches) {
  const auto answer = call("POST ~/tasks/batch/create", R"({"records":[{"title":"a"},{"title":"b"}]})");
  const auto a = answer.substr(answer.find(R"("task_id":")") + 11, 36);
  const auto b = answer.substr(answer.rfind(R"("task_id":")") + 11, 36);
  const auto row = [](std::string_view id, std::string_view action) {
    return "{\"task_id\":\"" + std::string(id) + R"(","action":")" + std::string(action) + "\"}";
  };
  EXPECT_EQ(answer, "200\n{\"results\":[" + row(a, "created") + "," + row(b, "created") + "]}");
  EXPECT_EQ(position, "2");
  const auto of = [](std::string_view id, std::string_view more = {}) {
    return "{\"task_id\":\"" + std::string(id) + "\"" + std::string(more) + "}";
  };
  EXPECT_EQ(call("POST ~/tasks/batch/update",
                 R"({"records":[)" + of(a, R"(,"title":"c")") + "," + of(a, R"(,"title":"d")") + "]}"),
            "200\n{\"results\":[" + row(a, "updated") + "," + row(a, "updated") + "]}");
  EXPECT_EQ(
      call("POST ~/tasks/batch/complete", R"({"records":[)" + of(a) + "," + of(b, R"(,"completed":false)") + "]}"),
      "200\n{\"results\":[" + row(a, "completed") + "," + row(b, "reopened") + "]}");
  EXPECT_EQ(call("POST ~/tasks/batch/delete", R"({"records":[)" + of(b) + "," + of(b) + "]}"),
            "404\n"
            R"({"error":true,"code":"RECORD_NOT_FOUND","message":"records[1]: Task not found","index":1})");
  EXPECT_EQ(call("GET ~/tasks/" + b).substr(0, 4), "200\n") << "all or nothing";
  EXPECT_EQ(call("POST ~/tasks/batch/delete", R"({"records":[)" + of(b) + "," + of(a) + "]}"),
            "200\n{\"results\":[" + row(b, "deleted") + "," + row(a, "deleted") + "]}");
  EXPECT_EQ(
      call("POST ~/tasks/batch/create", R"({"records":[{"title":"a"},{"title":"b","priority":"x"}]})"),
      "400\n"
      R"({"error":true,"code":"VALIDATION_ERROR","message":"records[1]: Field 'priority' must be one of: low, medium, high","index":1})");
  EXPECT_TRUE(call("POST ~/tasks/batch/create", R"({"records":[{"title":"a","is_completed":true,"id":7}]})")
                  .starts_with("200\n"))
      << "as it was read";
  EXPECT_EQ(call("POST ~/tasks/batch/create", R"({"records":[]})"),
            invalid("Field 'records' must have 1 to 100 records"));
  EXPECT_EQ(call("POST ~/tasks/batch/create", "{}"), invalid("Field 'records' is required"));
}

TEST_F(WritesTest, Tokens) {
  const auto answer = call("POST ~/admin/tokens?timezone=America/New_York",
                           R"({"user_id":")" + std::string(kOther) +
                               R"(","scopes":["tasks:read"],"timezone":"Europe/Paris","expires_at":"2025-03-18"})");
  ASSERT_TRUE(answer.starts_with("201\nCache-Control: no-store\n{\"id\":\"")) << answer;
  const auto id = answer.substr(answer.find(R"("id":")") + 6, 36);
  const auto secret = answer.substr(answer.find(R"("token":")") + 9, 47);
  EXPECT_TRUE(call("GET ~/me", {}, {{"Authorization", "Bearer " + secret}}).starts_with("200\n"));
  const auto listed = call("GET ~/admin/tokens");
  EXPECT_NE(
      listed.find(
          "{\"id\":\"" + id + "\",\"user_id\":\"" + std::string(kOther) +
          R"(","scopes":["tasks:read"],"timezone":"Europe/Paris","created_at":"2025-03-17T10:00:00Z","expires_at":"2025-03-19T03:59:59.999Z"})"),
      std::string::npos)
      << listed;
  EXPECT_EQ(listed.find(secret), std::string::npos);
  const auto with = [&](std::string_view fields) {
    return call("POST ~/admin/tokens", R"({"user_id":")" + std::string(kOther) + "\"" + std::string(fields) + "}");
  };
  EXPECT_EQ(with(""), invalid("Field 'scopes' is required"));
  EXPECT_EQ(with(R"(,"scopes":[])"), invalid("Field 'scopes' must name at least one scope"));
  EXPECT_EQ(with(R"(,"scopes":["operator"])"),
            invalid("Field 'scopes[0]' must be one of: tasks:read, tasks:write, audit:read, admin"));
  EXPECT_EQ(with(R"(,"scopes":["admin"],"timezone":"Mars"})"), invalid("Body must be valid JSON"));
  EXPECT_EQ(with(R"(,"scopes":["admin"],"timezone":"Mars")"), invalid("Field 'timezone' must be an IANA time zone"));
  EXPECT_EQ(with(R"(,"scopes":["admin"],"expires_at":"2025-03-16")"),
            invalid("Field 'expires_at' must lie in the future"));
  EXPECT_EQ(with(R"(,"scopes":["admin"],"name":"x")"), invalid("Field 'name' is unknown"));
  EXPECT_EQ(call("POST ~/admin/tokens", R"({"scopes":["admin"]})"), invalid("Field 'user_id' is required"));
  EXPECT_EQ(call("DELETE ~/admin/tokens/x"), error(404, "RECORD_NOT_FOUND", "Token not found"));
}

}  // namespace
}  // namespace taskledger::http::test
