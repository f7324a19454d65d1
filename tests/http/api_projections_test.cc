// The operator's view of the read models: the list, a rebuild and a check asked for, and who may.
#include "tests/http/api_fixture.h"

namespace taskledger::http::test {
namespace {

projections::ProjectionStatus status(std::string name) {
  projections::ProjectionStatus one;
  one.name = std::move(name);
  one.state = "live";
  one.checkpoint = {41};
  one.lag = 1;
  one.generation = 2;
  return one;
}

constexpr std::string_view kList =
    R"({"name":"list","state":"live","checkpoint":41,"lag":1,"generation":2,"events_per_second":0,"progress":1.000,)"
    R"("error":null,"check":null})";

TEST_F(ApiTest, ProjectionsAreTheOperators) {
  models->statuses = {status("list"), status("mode")};
  const auto lacking = error(403, "FORBIDDEN", "Token lacks the scope 'operator'");
  EXPECT_EQ(call("GET ~/admin/projections"), lacking);
  EXPECT_EQ(call("POST ~/admin/projections/list/rebuild"), lacking);
  EXPECT_EQ(call("POST ~/admin/projections/list/check"), lacking);
  EXPECT_TRUE(models->asked.empty());

  token = make_token("operator");
  auto& mode = models->statuses[1];
  mode.state = "rebuilding";
  mode.events_per_second = 1234567.8;
  mode.progress = 0.25;
  mode.failure = "stopped";
  mode.check = {projections::CheckStatus::State::different, {40}, 7, 1, {"mode: row 00 is \"missing\""}, {}};
  EXPECT_EQ(
      call("GET ~/admin/projections"),
      "200\n{\"data\":[" + std::string(kList) +
          R"(,{"name":"mode","state":"rebuilding","checkpoint":41,"lag":1,"generation":2,"events_per_second":1234568,)"
          R"("progress":0.250,"error":"stopped","check":{"state":"different","position":40,"rows":7,"differences":1,)"
          R"("first":["mode: row 00 is \"missing\""],"error":null}}]})");
  EXPECT_EQ(call("POST ~/admin/projections/list/rebuild"), "202\n" + std::string(kList));
  EXPECT_EQ(call("POST ~/admin/projections/list/check", "{}"), "202\n" + std::string(kList));
  EXPECT_EQ(models->asked, (std::vector<std::string>{"rebuild list", "check list"}));
  EXPECT_EQ(call("POST ~/admin/projections/weather/check"), error(404, "RECORD_NOT_FOUND", "Projection not found"));
  EXPECT_EQ(call("POST ~/admin/projections/list/check", R"({"x":1})"), invalid("Field 'x' is unknown"));
  EXPECT_EQ(call("GET ~/admin/projections?x=1"), invalid("Parameter 'x' is unknown"));
  EXPECT_EQ(models->asked.size(), 2u);
}

TEST_F(ApiTest, ADivergenceIsNotReady) {
  models->diverged = "list: the row of task 0a000000-0000-4000-8000-000000000001 is missing";
  EXPECT_EQ(call("GET /readyz", {}, {{"Authorization", ""}}),
            error(503, "UNAVAILABLE", "A read model differs from the log: GET /api/v1/admin/projections says in what"));
}

}  // namespace
}  // namespace taskledger::http::test
