// Conventions: routes, tokens, scopes, types, sizes, errors, positions, rates, CORS.
#include <gmock/gmock.h>

#include "http/cors.h"
#include "tests/http/api_fixture.h"

namespace taskledger::http::test {
namespace {

constexpr std::string_view kTask = "00000000-0000-4000-8000-0000000000aa";

TEST_F(ApiTest, RoutesComeFirst) {
  const auto nothing = error(404, "NOT_FOUND", "There is nothing at this address");
  for (const auto path :
       {"GET /", "GET ~", "GET ~/", "GET ~/tasks/", "GET ~/task", "GET ~/tasks/a/b/c", "GET ~/tasks//complete",
        "GET /api/v2/tasks", "GET ~/tasks/stats/", "BREW ~/nothing", "GET /healthz/"}) {
    EXPECT_EQ(call(path, {}, {{"Authorization", ""}}), nothing) << path;
  }
  const auto no_method = [](std::string_view allow) {
    return "405\nAllow: " + std::string(allow) + "\n" +
           R"({"error":true,"code":"METHOD_NOT_ALLOWED","message":"This address knows )" + std::string(allow) +
           " only\"}";
  };
  EXPECT_EQ(call("DELETE ~/tasks", {}, {{"Authorization", ""}}), no_method("GET, HEAD, POST"));
  EXPECT_EQ(call("POST ~/tasks/" + std::string(kTask)), no_method("GET, HEAD, PUT, PATCH, DELETE"));
  EXPECT_EQ(call("PUT ~/tasks/stats"), no_method("GET, HEAD"));
  EXPECT_EQ(call("GET ~/tasks/batch/create"), no_method("POST"));
  EXPECT_EQ(call("GET ~/tasks/" + std::string(kTask) + "/complete"), no_method("PUT"));
  EXPECT_EQ(call("OPTIONS ~/tasks"), no_method("GET, HEAD, POST")) << "CORS is off";
  EXPECT_EQ(call("BREW ~/tasks"), no_method("GET, HEAD, POST"));
}

TEST_F(ApiTest, ThenTheToken) {
  const auto missing = error(401, "UNAUTHORIZED", "Header 'Authorization' with a bearer token is required");
  const auto bad = error(401, "UNAUTHORIZED", "The bearer token is not valid");
  EXPECT_EQ(call("GET ~/me", {}, {{"Authorization", ""}}), missing);
  for (const auto* header :
       {"Bearer", "Bearer ", "Bearer x", "Bearer ksr_unknown", "Basic ksr_x", "ksr_x", "Bearer ksr_ x"}) {
    EXPECT_EQ(call("GET ~/me", {}, {{"Authorization", header}}), bad) << header;
  }
  EXPECT_EQ(call("GET ~/me", {}, {{"Authorization", "Bearer " + token + "x"}}), bad);
  EXPECT_EQ(call("GET ~/me", {}, {{"repeated", "Authorization"}, {"repeated", "X-Request-Id"}}), bad);
  EXPECT_TRUE(call("GET ~/me", {}, {{"Authorization", "bEARER  " + token}}).starts_with("200\n"));

  const auto short_lived = make_token("tasks:read", kUser, "UTC", Timestamp{kNow.ms + 1000});
  const Headers with{{"Authorization", "Bearer " + short_lived}};
  EXPECT_TRUE(call("GET ~/me", {}, with).starts_with("200\n"));
  now.ms += 1000;
  EXPECT_EQ(call("GET ~/me", {}, with), bad) << "expired, though remembered";
}

TEST_F(ApiTest, RevokedTokensEndAtOnce) {
  const auto doomed = make_token("tasks:read");
  const Headers with{{"Authorization", "Bearer " + doomed}};
  EXPECT_TRUE(call("GET ~/me", {}, with).starts_with("200\n"));
  EXPECT_EQ(call("DELETE ~/admin/tokens/" + to_string(last_token_id)), "204\n");
  EXPECT_EQ(call("GET ~/me", {}, with), error(401, "UNAUTHORIZED", "The bearer token is not valid"));
  EXPECT_EQ(call("DELETE ~/admin/tokens/" + to_string(last_token_id)),
            error(404, "RECORD_NOT_FOUND", "Token not found"));
}

TEST_F(ApiTest, NullsOfATokenAreAsIfTheyWereAbsent) {
  const std::string user = R"("user_id":"00000000-0000-4000-8000-000000000001")", scopes = R"("scopes":["tasks:read"])";
  const auto create = [&](const std::string& fields) { return call("POST ~/admin/tokens", "{" + fields + "}"); };
  const std::string made = create(user + "," + scopes + R"(,"timezone":null,"expires_at":null)");
  ASSERT_THAT(made, testing::StartsWith("201\n"));
  const auto at = made.find("ksr_");
  const Headers with{{"Authorization", "Bearer " + made.substr(at, made.find('"', at) - at)}};
  EXPECT_THAT(call("GET ~/me", {}, with),
              testing::AllOf(testing::HasSubstr(R"("timezone":"UTC")"), testing::HasSubstr(R"("expires_at":null)")));
  EXPECT_EQ(create(R"("user_id":null,)" + scopes), invalid("Field 'user_id' is required"));
  EXPECT_EQ(create(user + R"(,"scopes":null)"), invalid("Field 'scopes' is required"));
}

TEST_F(ApiTest, ThenTheScope) {
  const auto id = std::string(kTask);
  const std::vector<std::pair<std::string, std::string>> rows{{"GET ~/tasks", "tasks:read"},
                                                              {"GET ~/tasks/stats", "tasks:read"},
                                                              {"GET ~/tasks/" + id, "tasks:read"},
                                                              {"POST ~/tasks", "tasks:write"},
                                                              {"PUT ~/tasks/" + id, "tasks:write"},
                                                              {"PATCH ~/tasks/" + id, "tasks:write"},
                                                              {"DELETE ~/tasks/" + id, "tasks:write"},
                                                              {"PUT ~/tasks/" + id + "/complete", "tasks:write"},
                                                              {"POST ~/tasks/" + id + "/restore", "tasks:write"},
                                                              {"POST ~/tasks/" + id + "/undo", "tasks:write"},
                                                              {"POST ~/tasks/" + id + "/erase", "admin"},
                                                              {"GET ~/tasks/" + id + "/history", "audit:read"},
                                                              {"POST ~/tasks/batch/create", "tasks:write"},
                                                              {"POST ~/tasks/batch/update", "tasks:write"},
                                                              {"POST ~/tasks/batch/complete", "tasks:write"},
                                                              {"POST ~/tasks/batch/delete", "tasks:write"},
                                                              {"GET ~/events", "audit:read"},
                                                              {"GET ~/admin/tokens", "admin"},
                                                              {"POST ~/admin/tokens", "admin"},
                                                              {"DELETE ~/admin/tokens/" + id, "admin"}};
  for (const auto& [line, scope] : rows) {
    const std::string others = scope == "tasks:read"    ? "tasks:write,audit:read,admin"
                               : scope == "tasks:write" ? "tasks:read,audit:read,admin"
                               : scope == "admin"       ? "tasks:read,tasks:write,audit:read"
                                                        : "tasks:read,tasks:write,admin";
    const auto lacking = make_token(others);
    // Even with a body of a wrong type.
    EXPECT_EQ(call(line, "x", {{"Authorization", "Bearer " + lacking}, {"Content-Type", "text/plain"}}),
              error(403, "FORBIDDEN", "Token lacks the scope '" + scope + "'"))
        << line;
    EXPECT_EQ(position, "0");
  }
}

TEST_F(ApiTest, ThenTypeAndSize) {
  const auto wrong = error(415, "UNSUPPORTED_MEDIA_TYPE", "Header 'Content-Type' must be application/json");
  for (const auto* type : {"", "text/plain", "application/jsonx", "application/json; charset=latin-1",
                           "application/x-www-form-urlencoded"}) {
    EXPECT_EQ(call("POST ~/tasks?nonsense=1", "{}", {{"Content-Type", type}}), wrong) << type;
  }
  for (const auto* type : {"application/json", "Application/JSON", "application/json; charset=utf-8",
                           "application/json;charset=\"UTF-8\"", "application/json; v=1"}) {
    EXPECT_EQ(call("POST ~/tasks", "{}", {{"Content-Type", type}}), invalid("Field 'title' is required")) << type;
  }
  EXPECT_EQ(call("DELETE ~/tasks/" + std::string(kTask), {}, {{"Content-Type", "text/plain"}}), not_found())
      << "no body: any type";
  const Headers text_in_chunks{{"Content-Type", "text/plain"}, {"Transfer-Encoding", "chunked"}};
  EXPECT_EQ(call("DELETE ~/tasks/" + std::string(kTask), {}, text_in_chunks), not_found()) << "none in chunks either";
  EXPECT_EQ(call("DELETE ~/tasks/" + std::string(kTask), "{}", text_in_chunks), wrong);
  const std::string large(64 * 1024 + 1, ' ');
  EXPECT_EQ(call("POST ~/tasks", large, text_in_chunks), wrong) << "the type before the size";
  EXPECT_EQ(call("POST ~/tasks?nonsense=1", large),
            error(413, "PAYLOAD_TOO_LARGE", "Body must be at most 65536 bytes long"));
  EXPECT_EQ(call("POST ~/tasks/batch/create", large), invalid("Body must be valid JSON"));
  EXPECT_EQ(call("POST ~/tasks/batch/create", std::string(4 * 1024 * 1024 + 1, ' ')),
            error(413, "PAYLOAD_TOO_LARGE", "Body must be at most 4194304 bytes long"));
}

TEST_F(ApiTest, BodiesAreObjectsOfKnownFields) {
  EXPECT_EQ(call("POST ~/tasks", "{"), invalid("Body must be valid JSON"));
  EXPECT_EQ(call("POST ~/tasks", ""), invalid("Body must be valid JSON"));
  EXPECT_EQ(call("POST ~/tasks", "[]"), invalid("Body must be a JSON object"));
  EXPECT_EQ(call("POST ~/tasks", R"({"title":"x","nope":1})"), invalid("Field 'nope' is unknown"));
  EXPECT_EQ(call("POST ~/tasks", R"({"title":"x","title":"y"})"), invalid("Field 'title' is given twice"));
  const auto id = std::string(kTask);
  for (const auto& line :
       {"DELETE ~/tasks/" + id, "POST ~/tasks/" + id + "/restore", "POST ~/tasks/" + id + "/erase"}) {
    EXPECT_EQ(call(line, R"({"x":1})"), invalid("Field 'x' is unknown"));
    EXPECT_EQ(call(line, "[1]"), invalid("Body must be a JSON object"));
    EXPECT_EQ(call(line, "{}"), not_found());
  }
}

TEST_F(ApiTest, QueriesAreDecodedAndKnown) {
  EXPECT_EQ(call("GET ~/tasks?foo=1"), invalid("Parameter 'foo' is unknown"));
  EXPECT_EQ(call("GET ~/tasks?=1"), invalid("Parameter '' is unknown"));
  EXPECT_EQ(call("GET ~/tasks?mode=all&mode=all"), invalid("Parameter 'mode' is given twice"));
  EXPECT_EQ(call("GET ~/tasks?mode&m%6Fde="), invalid("Parameter 'mode' is given twice"));
  EXPECT_EQ(call("GET ~/tasks?search=%zz"), invalid("Parameter 'search' must be valid URL-encoded UTF-8"));
  EXPECT_EQ(call("GET ~/tasks?search=%4"), invalid("Parameter 'search' must be valid URL-encoded UTF-8"));
  EXPECT_EQ(call("GET ~/tasks?search=%ff"), invalid("Parameter 'search' must be valid URL-encoded UTF-8"));
  EXPECT_EQ(call("GET ~/tasks?%ff=1"), invalid("Parameter '%ff' has a name that is not valid URL-encoded UTF-8"));
  EXPECT_EQ(call("GET ~/tasks?mode=&priority&&search="),
            "200\n"
            R"({"data":[],"total":0,"nextCursor":null})");
  for (const auto* line :
       {"POST ~/tasks?x=1", "PUT ~/tasks/a?x=1", "DELETE ~/tasks/a?x=1", "PUT ~/tasks/a/complete?x=1",
        "GET ~/tasks/a?x=1", "GET ~/tasks/stats?x=1", "GET ~/me?x=1", "GET ~/tasks/a/history?x=1",
        "POST ~/tasks/batch/create?x=1", "GET ~/events?x=1", "GET ~/admin/tokens?x=1", "POST ~/admin/tokens?x=1"}) {
    EXPECT_EQ(call(line), invalid("Parameter 'x' is unknown")) << line;
  }
  for (const auto* line :
       {"GET ~/tasks", "GET ~/tasks/stats", "GET ~/tasks/a", "POST ~/tasks", "PUT ~/tasks/a", "PATCH ~/tasks/a",
        "PUT ~/tasks/a/complete", "DELETE ~/tasks/a", "POST ~/tasks/batch/update", "GET ~/tasks/a/history"}) {
    EXPECT_EQ(call(std::string(line) + "?timezone=Mars/Base"),
              invalid("Parameter 'timezone' must be an IANA time zone"))
        << line;
  }
}

TEST_F(ApiTest, MeIsTheToken) {
  const auto t = make_token("tasks:read,audit:read", kOther, "Europe/Paris", Timestamp{kNow.ms + 5000});
  EXPECT_EQ(call("GET ~/me", {}, {{"Authorization", "Bearer " + t}}),
            "200\n{\"user_id\":\"" + std::string(kOther) + "\",\"workspace_id\":\"" +
                to_string(workspace_id_of("acme")) +
                R"(","workspace":"acme","scopes":["tasks:read","audit:read"],"timezone":"Europe/Paris","token_id":")" +
                to_string(last_token_id) + R"(","expires_at":"2025-03-17T10:00:05Z"})");
}

TEST_F(ApiTest, HealthNeedsNoToken) {
  const Headers none{{"Authorization", ""}};
  EXPECT_EQ(call("GET /healthz", {}, none), "200\n{\"status\":\"ok\"}");
  EXPECT_EQ(position, "");
  EXPECT_EQ(call("GET /readyz?probe=1", {}, none), "200\n{\"status\":\"ok\"}");
  models->broken = true;
  EXPECT_EQ(call("GET /readyz", {}, none),
            error(503, "UNAVAILABLE", "The read models have stopped: a table is damaged"));
  EXPECT_EQ(call("GET ~/tasks"), error(503, "UNAVAILABLE", "Data could not be read")) << "nothing of the inside";
}

TEST_F(ApiTest, PositionsAreToldAndWaitedFor) {
  (void)make(R"({"title":"one"})");
  EXPECT_EQ(position, "1");
  (void)call("GET ~/tasks");
  EXPECT_EQ(position, "1");
  EXPECT_EQ(call("GET ~/me", {}, {{"X-Min-Position", "1"}}).substr(0, 4), "200\n");
  const auto bad = invalid("Header 'X-Min-Position' must be a non-negative integer");
  for (const auto* value : {"", "-1", "x", "1.5", "+1"})
    EXPECT_EQ(call("GET ~/me", {}, {{"X-Min-Position", value}}), bad) << value;

  // What no position can make right is said at once.
  for (const auto* read : {"tasks", "events", "events/stream", "webhooks", "webhooks/x/deliveries"}) {
    EXPECT_EQ(call("GET ~/" + std::string(read) + "?foo=1", {}, {{"X-Min-Position", "99"}}),
              invalid("Parameter 'foo' is unknown"))
        << read;
  }

  EXPECT_EQ(call("GET ~/webhooks/x/deliveries?cursor=zzz", {}, {{"X-Min-Position", "99"}}),
            invalid("Parameter 'cursor' is not one of this list"));

  when_waiting = [this] {
    CreateTask create;
    create.fields.title = "two";
    commands::CommandHandler::Request request;
    request.caller = {WorkspaceNumber{1}, workspace_id_of("acme"), UserId{*parse_uuid(kUser)}};
    request.records.push_back({std::nullopt, create});
    commands->execute(std::move(request), [](auto) {});
  };
  const auto answer = call("GET ~/tasks?sort_by=title", {}, {{"X-Min-Position", "2"}});
  EXPECT_NE(answer.find(R"("total":2)"), std::string::npos) << answer;
  EXPECT_EQ(position, "2");
}

TEST_F(ApiTest, ATokenThatEndsWhileItsRequestWaitsIsNone) {
  const auto bad = error(401, "UNAUTHORIZED", "The bearer token is not valid");
  const auto ending = make_token("tasks:read,tasks:write", kUser, "UTC", Timestamp{kNow.ms + 1000});
  const auto write = [this] {
    const auto other = make_token("tasks:read,tasks:write");
    EXPECT_TRUE(call("POST ~/tasks", R"({"title":"x"})", {{"Authorization", "Bearer " + other}}).starts_with("201\n"));
  };
  when_waiting = [&] {
    now.ms += 1000;
    write();
  };
  EXPECT_EQ(
      call("POST ~/tasks", R"({"title":"late"})", {{"Authorization", "Bearer " + ending}, {"X-Min-Position", "1"}}),
      bad)
      << "expired";
  const auto revoked = make_token("tasks:read,tasks:write");
  when_waiting = [&, id = last_token_id] {
    EXPECT_TRUE(call("DELETE ~/admin/tokens/" + to_string(id)).starts_with("204\n"));
    write();
  };
  EXPECT_EQ(
      call("POST ~/tasks", R"({"title":"late"})", {{"Authorization", "Bearer " + revoked}, {"X-Min-Position", "2"}}),
      bad);
  EXPECT_EQ(call("GET ~/tasks?search=late").find("late"), std::string::npos);
}

TEST_F(ApiTest, RepeatedHeadersAreRefused) {
  EXPECT_EQ(call("POST ~/tasks", R"({"title":"x"})", {{"repeated", "Idempotency-Key"}, {"repeated", "traceparent"}}),
            invalid("Header 'Idempotency-Key' is given twice"));
  EXPECT_EQ(call("POST ~/tasks", R"({"title":"x"})", {{"repeated", "Content-Type"}}),
            invalid("Header 'Content-Type' is given twice"));
  EXPECT_EQ(call("GET ~/tasks", {}, {{"repeated", "traceparent"}}).substr(0, 4), "200\n");
}

TEST_F(ApiTest, AWorkspaceSeesNothingOfAnother) {
  const auto id = make(R"({"title":"mine"})");
  workspace("other", WorkspaceNumber{2});
  const Headers theirs{{"Authorization", "Bearer " + make_token("tasks:read,tasks:write,audit:read,admin", kUser, "UTC",
                                                                std::nullopt, {2})}};
  for (const auto& line : {"GET ~/tasks/" + id, "DELETE ~/tasks/" + id, "GET ~/tasks/" + id + "/history",
                           "POST ~/tasks/" + id + "/erase", "GET ~/tasks/" + id + "?version=1"}) {
    EXPECT_EQ(call(line, {}, theirs), not_found()) << line;
    EXPECT_EQ(position, "0");
  }
  EXPECT_EQ(call("GET ~/tasks", {}, theirs),
            "200\n"
            R"({"data":[],"total":0,"nextCursor":null})");
  EXPECT_EQ(call("GET ~/events", {}, theirs),
            "200\n"
            R"({"data":[],"nextAfter":0,"hasMore":false})");
}

TEST_F(ApiTest, RatesAreLimitedForEachToken) {
  restart({.server_key = {}, .cors_origins = {}, .rate_limit = 2, .rate_burst = 3, .version = {}});
  const auto headers = [](int remaining, long reset) {
    return "X-RateLimit-Limit: 3\nX-RateLimit-Remaining: " + std::to_string(remaining) +
           "\nX-RateLimit-Reset: " + std::to_string(reset) + "\nX-RateLimit-Policy: 2;w=1;burst=3\n";
  };
  const long second = kNow.ms / 1000;
  const auto list = std::string(R"({"data":[],"total":0,"nextCursor":null})");
  EXPECT_EQ(call("GET ~/tasks"), "200\n" + headers(2, second + 1) + list);
  EXPECT_EQ(call("GET ~/tasks"), "200\n" + headers(1, second + 1) + list);
  EXPECT_EQ(call("GET ~/tasks?x=1"),
            "400\n" + headers(0, second + 2) +
                R"({"error":true,"code":"VALIDATION_ERROR","message":"Parameter 'x' is unknown"})");
  EXPECT_EQ(
      call("GET ~/tasks?x=1"),
      "429\nRetry-After: 1\n" + headers(0, second + 2) +
          R"({"error":true,"code":"RATE_LIMITED","message":"Too many requests","policy":"2;w=1;burst=3","retryAfterSeconds":1})");
  EXPECT_EQ(call("GET ~/me", {}, {{"Authorization", "Bearer " + make_token("tasks:read")}}).substr(0, 4), "200\n");
  now.ms += 500;
  EXPECT_EQ(call("GET ~/tasks"), "200\n" + headers(0, second + 2) + list);
}

TEST_F(ApiTest, WhatIsRefusedLateCarriesWhatEveryAnswerDoes) {
  restart({.server_key = {}, .cors_origins = "https://a.example", .rate_limit = 5, .rate_burst = 5, .version = {}});
  const Headers in_chunks{{"Origin", "https://a.example"}, {"Transfer-Encoding", "chunked"}};
  const auto refused = call("POST ~/tasks", std::string(64 * 1024 + 1, ' '), in_chunks);
  EXPECT_TRUE(refused.starts_with("413\n")) << refused;
  EXPECT_NE(refused.find("X-RateLimit-Limit: 5\n"), refused.npos) << refused;
  EXPECT_NE(refused.find("Access-Control-Allow-Origin: https://a.example\n"), refused.npos) << refused;
  EXPECT_EQ(position, "0");
}

TEST(CorsOrigins, TheFirstThatNoBrowserWouldSendIsNamed) {
  for (const auto* right : {"", "*", "null", "https://a.example", "http://localhost:3000", "https://[::1]:8443",
                            "https://a.example, http://b.example:80,null"})
    EXPECT_EQ(Cors::first_wrong(right), "") << right;
  for (const auto* wrong : {"a.example", "https://", "https://a.example/", "https://a.example/app", "HTTPS://a.example",
                            "https://A.example", "https://a.example:", "https://a.example:x", "https://*.example"})
    EXPECT_EQ(Cors::first_wrong("https://ok.example, " + std::string(wrong)), wrong);
}

TEST_F(ApiTest, CrossOriginIsASetting) {
  restart({.server_key = {},
           .cors_origins = "https://a.example, https://b.example",
           .rate_limit = 0,
           .rate_burst = 0,
           .version = {}});
  const Headers from_a{
      {"Origin", "https://a.example"}, {"Access-Control-Request-Method", "POST"}, {"Authorization", ""}};
  EXPECT_EQ(call("OPTIONS ~/tasks", {}, from_a),
            "204\nAllow: GET, HEAD, POST, OPTIONS\nAccess-Control-Allow-Methods: GET, HEAD, POST\n"
            "Access-Control-Allow-Headers: Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, "
            "X-Min-Position, Last-Event-ID, X-Request-Id, traceparent\n"
            "Access-Control-Max-Age: 600\nVary: Origin\nAccess-Control-Allow-Origin: https://a.example\n"
            "Access-Control-Expose-Headers: ETag, Location, Retry-After, X-Position, X-Request-Id, X-RateLimit-Limit, "
            "X-RateLimit-Remaining, "
            "X-RateLimit-Reset, X-RateLimit-Policy\n");
  EXPECT_THAT(call("PATCH ~/tasks"), testing::HasSubstr("Allow: GET, HEAD, POST, OPTIONS\n"));
  EXPECT_EQ(
      call("OPTIONS ~/tasks", {}, {{"Origin", "https://evil.example"}, {"Access-Control-Request-Method", "POST"}}),
      "204\nAllow: GET, HEAD, POST, OPTIONS\nVary: Origin\n");
  EXPECT_EQ(call("GET ~/tasks", {}, {{"Origin", "https://evil.example"}}),
            "200\nVary: Origin\n"
            R"({"data":[],"total":0,"nextCursor":null})");
}

}  // namespace
}  // namespace taskledger::http::test
