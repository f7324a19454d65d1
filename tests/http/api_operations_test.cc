// What operators rely on: counts by route, access lines, /metrics where it was put, failed logins by address, and that
// the route table leaves nothing open by accident.
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <set>
#include <thread>

#include "http/access_log.h"
#include "http/failed_logins.h"
#include "http/operator_service.h"
#include "http/request_metrics.h"
#include "http/router.h"
#include "tests/http/api_fixture.h"

namespace taskledger::http::test {
namespace {

class Operations : public ApiTest {
 protected:
  void with(std::uint32_t every, bool json) {
    access_log = std::make_unique<AccessLog>([this] { return now; }, every, json,
                                             [this](std::string_view line) { lines += line; });
    change = [this](ApiParts& parts) {
      parts.metrics = &metrics;
      parts.access_log = access_log.get();
    };
    restart({});
  }
  std::string counted() const {
    std::vector<prometheus::MetricFamily> families;
    metrics.collect(families);
    return prometheus::TextSerializer().Serialize(families);
  }
  RequestMetrics metrics{all_routes()};
  std::unique_ptr<AccessLog> access_log;
  std::string lines;
};

TEST_F(Operations, CountsByRouteAndStatus) {
  with(0, false);
  const auto id = make(R"({"title": "a"})");
  call("GET ~/tasks/" + id);
  call("GET ~/tasks/" + id);
  call("HEAD ~/tasks/" + id);
  call("GET ~/tasks/00000000-0000-4000-8000-0000000000aa");
  call("GET ~/tasks", {}, {{"Authorization", ""}});
  call("GET ~/nothing");
  std::thread([&] { call("GET ~/tasks/" + id); }).join();
  const auto text = counted();
  for (const std::string line :
       {R"(taskledger_http_requests_total{method="POST",route="/api/v1/tasks",status="201"} 1)",
        R"(taskledger_http_requests_total{method="GET",route="/api/v1/tasks/{id}",status="200"} 4)",
        R"(taskledger_http_requests_total{method="GET",route="/api/v1/tasks/{id}",status="404"} 1)",
        R"(taskledger_http_requests_total{method="GET",route="/api/v1/tasks",status="401"} 1)",
        R"(taskledger_http_requests_total{method="none",route="none",status="404"} 1)",
        R"(taskledger_http_request_duration_seconds_bucket{method="GET",route="/api/v1/tasks/{id}",le="0.001"} 0)",
        R"(taskledger_http_request_duration_seconds_bucket{method="GET",route="/api/v1/tasks/{id}",le="0.0025"} 5)",
        R"(taskledger_http_request_duration_seconds_count{method="GET",route="/api/v1/tasks/{id}"} 5)",
        R"(# TYPE taskledger_http_request_duration_seconds histogram)"}) {
    EXPECT_NE(text.find(line + "\n"), std::string::npos) << line << "\nin\n" << text;
  }
}

TEST_F(Operations, AccessLinesSayNothingOfTheCaller) {
  with(1, true);
  const auto id = make(R"({"title": "secret title"})");
  lines.clear();
  call("GET ~/tasks/" + id + "?include=linked_entities", {}, {{"X-Request-Id", "r-1"}, {"From", "127.0.0.9"}});
  call("GET ~/secret-path?secret=query", {}, {{"X-Request-Id", "r-2"}});
  call("PUT ~/tasks/" + id, R"({"title": "another secret"})", {{"X-Request-Id", "r-3"}});
  const auto bytes = [&](std::size_t nth) {
    std::size_t at = 0;
    for (std::size_t i = 0; i <= nth; ++i) at = lines.find(R"("bytes":)", at) + 8;
    return lines.substr(at, lines.find(',', at) - at);
  };
  const std::string begin = R"({"time":"2025-03-17T10:00:00Z","level":"info","message":"request",)";
  EXPECT_EQ(lines, begin + R"("method":"GET","route":"/api/v1/tasks/{id}","status":200,"us":1234,"bytes":)" + bytes(0) +
                       R"(,"remote":"127.0.0.9","workspace":1,"request_id":"r-1"})"
                       "\n" +
                       begin + R"("method":"-","route":"-","status":404,"us":1234,"bytes":)" + bytes(1) +
                       R"(,"remote":"","request_id":"r-2"})"
                       "\n" +
                       begin + R"("method":"PUT","route":"/api/v1/tasks/{id}","status":200,"us":1234,"bytes":)" +
                       bytes(2) +
                       R"(,"remote":"","workspace":1,"request_id":"r-3"})"
                       "\n");
  for (const auto& word : {std::string("secret"), std::string("linked_entities"), token, id})
    EXPECT_EQ(lines.find(word), std::string::npos) << word;
}

TEST_F(Operations, AccessLinesAreSampled) {
  with(10, false);
  for (int i = 0; i < 100; ++i) call("GET ~/me");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 10) << lines;
  EXPECT_EQ(lines.find("2025-03-17T10:00:00Z GET /api/v1/me 200 1234us "), 0u) << lines;
}

TEST_F(Operations, MetricsAreWhereTheyWerePut) {
  EXPECT_EQ(call("GET /metrics", {}, {{"Authorization", ""}}),
            error(404, "NOT_FOUND", "There is nothing at this address"));
  change = [](ApiParts& parts) { parts.scrape = [] { return std::string("up 1\n"); }; };
  restart({});
  EXPECT_EQ(call("GET /metrics?x=1", {}, {{"Authorization", ""}}), "200\nup 1\n");
  EXPECT_EQ(send("GET /metrics", {}, {}).content_type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(Operations, TheOperatorsListenerServesNothingElse) {
  std::optional<std::string> why;
  const auto service = make_operator_service({[] { return std::string("up 1\n"); }, [&] { return why; }});
  const auto ask = [&](Method method, std::string_view target) {
    RequestHead head;
    head.method = method;
    head.target = target;
    const auto reply = std::get<Reply>(service->admit(head));
    return std::to_string(reply.status) + " " + reply.body;
  };
  EXPECT_EQ(ask(Method::get, "/metrics?x"), "200 up 1\n");
  EXPECT_EQ(ask(Method::get, "/healthz"), R"(200 {"status":"ok"})");
  EXPECT_EQ(ask(Method::head, "/readyz"), R"(200 {"status":"ok"})");
  why = "Writes have stopped: the disk is full";
  EXPECT_EQ(ask(Method::get, "/readyz"),
            R"(503 {"error":true,"code":"UNAVAILABLE","message":"Writes have stopped: the disk is full"})");
  EXPECT_EQ(ask(Method::get, "/healthz"), R"(200 {"status":"ok"})");
  EXPECT_EQ(ask(Method::get, "/api/v1/tasks").substr(0, 3), "404");
  EXPECT_EQ(ask(Method::post, "/metrics").substr(0, 3), "405");
}

TEST_F(Operations, WrongTokensAreLimitedByAddressAndRightOnesNever) {
  ApiOptions options;
  options.auth_failure_rate = 1, options.auth_failure_burst = 3;
  restart(options);
  const Headers wrong{{"Authorization", "Bearer ksr_wrong"}, {"From", "127.0.0.2"}};
  const auto bad = error(401, "UNAUTHORIZED", "The bearer token is not valid");
  const auto limited =
      "429\nRetry-After: 1\n"
      R"({"error":true,"code":"RATE_LIMITED","message":"Too many requests","policy":"1;w=1;burst=3","retryAfterSeconds":1})";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(call("GET ~/me", {}, wrong), bad);
  EXPECT_EQ(call("GET ~/me", {}, wrong), limited);
  EXPECT_EQ(call("GET ~/me", {}, {{"Authorization", "Bearer ksr_wrong"}, {"From", "127.0.0.3"}}), bad)
      << "another address";
  EXPECT_EQ(call("GET ~/me", {}, {{"From", "127.0.0.2"}}).substr(0, 4), "200\n") << "a valid token";
  EXPECT_EQ(call("GET ~/me", {}, {{"Authorization", ""}, {"From", "127.0.0.2"}}).substr(0, 4), "401\n")
      << "no token is no guess";
  now.ms += 1000;
  EXPECT_EQ(call("GET ~/me", {}, wrong), bad);
  EXPECT_EQ(call("GET ~/me", {}, wrong), limited);
  options.auth_failure_rate = 0;
  restart(options);
  for (int i = 0; i < 200; ++i) ASSERT_EQ(call("GET ~/me", {}, wrong), bad);
}

TEST(FailedLoginsTest, KeepsABoundedNumberOfAddresses) {
  FailedLogins logins({1, 2});
  Timestamp now{1'000'000};
  for (int i = 0; i < 40'000; ++i) {
    const std::string address =
        "10." + std::to_string(i >> 16) + "." + std::to_string((i >> 8) & 255) + "." + std::to_string(i & 255);
    (void)logins.fail(address, now);
    ASSERT_LE(logins.addresses(), FailedLogins::kMaxAddresses);
  }
  EXPECT_EQ(logins.fail("10.9.9.9", now), 1u) << "one of those that share a bucket";
  now.ms += 60'000;  // all are full again: the next newcomer finds room
  EXPECT_EQ(logins.fail("10.9.9.9", now), 0u);
  EXPECT_LT(logins.addresses(), 1'000u);
}

TEST(FailedLoginsTest, TakesANetworkOfIpv6AsOneAddress) {
  FailedLogins logins({1, 1});
  EXPECT_EQ(logins.fail("2001:db8:0:1::1", {0}), 0u);
  EXPECT_EQ(logins.fail("2001:db8:0:1:ffff::2", {0}), 1u);
  EXPECT_EQ(logins.fail("2001:db8:0:2::1", {0}), 0u);
  EXPECT_EQ(logins.fail("::ffff:10.0.0.1", {0}), 0u);
  EXPECT_EQ(logins.fail("::ffff:10.0.0.2", {0}), 0u);
}

// Not by what a route says of itself, but by asking each without a token and with one that has no scope at all for it.
TEST_F(Operations, NoRouteIsOpenByAccident) {
  const std::set<std::string_view> open{"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"};
  for (const Route& route : all_routes()) {
    std::string address(route.pattern);
    for (auto at = address.find('{'); at != std::string::npos; at = address.find('{')) {
      address.replace(at, address.find('}') - at + 1, "00000000-0000-4000-8000-0000000000aa");
    }
    const std::string line = std::string(name_of(route.method)) + " " + address;
    if (open.contains(route.pattern)) {
      EXPECT_EQ(route.access, Access::open) << line;
      EXPECT_EQ(route.method, Method::get) << line;
      continue;
    }
    EXPECT_EQ(call(line, {}, {{"Authorization", ""}}).substr(0, 4), "401\n") << line;
    EXPECT_EQ(call(line, {}, {{"Authorization", "Bearer ksr_none"}}).substr(0, 4), "401\n") << line;
    if (route.pattern == "/api/v1/me") continue;  // any token may ask who it is
    ASSERT_EQ(route.access, Access::scope) << line;
    EXPECT_TRUE(route.method == Method::get || route.scope != Scope::tasks_read)
        << line << ": writes need more than reading";
    std::string others;
    for (const Scope scope :
         {Scope::tasks_read, Scope::tasks_write, Scope::audit_read, Scope::admin, Scope::operator_}) {
      if (scope != route.scope) others.append(others.empty() ? "" : ",").append(taskledger::name_of(scope));
    }
    EXPECT_EQ(call(line, {}, {{"Authorization", "Bearer " + make_token(others)}}).substr(0, 4), "403\n") << line;
  }
}

}  // namespace
}  // namespace taskledger::http::test
