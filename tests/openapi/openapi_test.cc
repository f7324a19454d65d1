// The description of the API against the code: the route table both ways, references, error codes, and every example
// through the parser that would read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/access.h"
#include "core/event.h"
#include "core/filter.h"
#include "core/task_json.h"
#include "core/webhook.h"
#include "http/embedded.h"
#include "http/errors.h"
#include "http/router.h"

namespace taskledger::http {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;
using testing::IsEmpty;

element document() {
  static simdjson::dom::parser parser;
  static const element root = parser.parse(embedded::openapi_json.data(), embedded::openapi_json.size());
  return root;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

std::string text_of(const element& value) {
  std::string_view text;
  return value.get(text) ? std::string() : std::string(text);
}

// The thing itself, or what its $ref names.
element resolve(element thing) {
  object fields;
  std::string_view reference;
  if (thing.get(fields) || fields["$ref"].get(reference)) return thing;
  element target;
  if (document().at_pointer(reference.substr(1)).get(target)) {
    ADD_FAILURE() << reference << " names nothing";
    return thing;
  }
  return resolve(target);
}

struct Operation {
  std::string method, path;
  element json;
  std::string access;  // "open", "token", or the scope
  [[nodiscard]] std::string name() const { return method + " " + path; }
};

std::vector<Operation> described() {
  std::vector<Operation> out;
  for (const auto [path, item] : object(document()["paths"])) {
    for (const auto [method, json] : object(item)) {
      Operation operation{upper(method), std::string(path), json, "open"};
      std::string_view scope;
      if (array(json["security"]).size() > 0) operation.access = json["x-scope"].get(scope) ? "token" : scope;
      out.push_back(operation);
    }
  }
  return out;
}

std::map<std::string, std::string> routed() {
  std::map<std::string, std::string> out;
  for (const Route& route : all_routes()) {
    std::string access = route.access == Access::open ? "open" : "token";
    if (route.access == Access::scope) access = std::string(taskledger::name_of(route.scope));
    out[std::string(name_of(route.method)) + " " + std::string(route.pattern)] = access;
  }
  return out;
}

TEST(OpenApi, EveryRouteIsDescribedWithItsScope) {
  std::map<std::string, std::string> operations;
  for (const Operation& operation : described()) operations[operation.name()] = operation.access;
  for (const auto& [name, access] : routed()) {
    const auto found = operations.find(name);
    if (found == operations.end()) {
      ADD_FAILURE() << name << " is not described";
    } else {
      EXPECT_EQ(found->second, access) << name;
    }
  }
}

TEST(OpenApi, EveryDescribedOperationIsARoute) {
  const auto routes = routed();
  for (const Operation& operation : described()) {
    EXPECT_TRUE(routes.contains(operation.name())) << operation.name() << " is no route";
  }
}

TEST(OpenApi, EveryRouteNeedsAScopeOrIsKnownToNeedNone) {
  std::set<std::string> without;
  for (const auto& [name, access] : routed()) {
    if (access == "open" || access == "token") without.insert(name);
  }
  EXPECT_THAT(without, testing::IsSubsetOf({"GET /api/v1/me", "GET /healthz", "GET /readyz", "GET /metrics",
                                            "GET /openapi.json", "GET /docs"}));
}

TEST(OpenApi, EveryOperationIsWhole) {
  std::set<std::string> ids;
  for (const Operation& operation : described()) {
    EXPECT_TRUE(ids.insert(text_of(operation.json["operationId"])).second) << operation.name();
    for (const char* key : {"summary", "description"})
      EXPECT_FALSE(text_of(operation.json[key]).empty()) << operation.name() << ' ' << key;
    std::set<std::string> in_path, declared;
    for (std::size_t at = 0; (at = operation.path.find('{', at)) != std::string::npos; ++at) {
      in_path.insert(operation.path.substr(at + 1, operation.path.find('}', at) - at - 1));
    }
    array parameters;
    if (!operation.json["parameters"].get(parameters)) {
      for (const element parameter : parameters) {
        const element whole = resolve(parameter);
        if (text_of(whole["in"]) == "path") declared.insert(text_of(whole["name"]));
        EXPECT_FALSE(text_of(whole["description"]).empty()) << operation.name() << ' ' << text_of(whole["name"]);
      }
    }
    EXPECT_EQ(in_path, declared) << operation.name();
    std::vector<std::string_view> statuses;
    for (const auto [status, response] : object(operation.json["responses"])) statuses.push_back(status);
    std::vector<std::string_view> wanted{"408", "413", "414", "415", "431", "500", "503"};
    if (operation.access != "open") wanted.insert(wanted.end(), {"400", "401", "429"});
    if (operation.access != "open" && operation.access != "token") wanted.push_back("403");
    EXPECT_THAT(statuses, testing::IsSupersetOf(wanted)) << operation.name();
  }
}

void check_references(const element& value) {
  object fields;
  array items;
  if (!value.get(fields)) {
    for (const auto [key, inner] : fields) {
      if (key == "$ref") resolve(value);
      check_references(inner);
    }
  } else if (!value.get(items)) {
    for (const element item : items) check_references(item);
  }
}

TEST(OpenApi, EveryReferenceNamesSomething) { check_references(document()); }

TEST(OpenApi, ErrorResponsesHaveTheCodeOfTheirStatus) {
  std::set<std::string_view> codes;
  for (const element code : array(document()["components"]["schemas"]["ErrorCode"]["enum"]))
    codes.insert(std::string_view(code));
  for (const unsigned status : {400, 401, 403, 404, 405, 408, 409, 412, 413, 414, 415, 422, 429, 431, 500, 503}) {
    EXPECT_TRUE(codes.contains(code_of(status))) << status;
  }
  for (const Operation& operation : described()) {
    for (const auto [status, response] : object(operation.json["responses"])) {
      if (status < "400") continue;
      const element example = resolve(response)["content"]["application/json"]["example"];
      // 404 of /metrics: where the address is not served, not where a record is missing.
      const bool no_address = operation.access == "open" && status == "404";
      EXPECT_EQ(text_of(example["code"]),
                no_address ? "NOT_FOUND" : code_of(static_cast<unsigned>(std::stoi(std::string(status)))))
          << operation.name();
    }
  }
}

// The examples of a media type, as JSON texts.
std::vector<std::string> examples_of(const element& media) {
  std::vector<std::string> out;
  element example;
  if (!media["example"].get(example)) out.push_back(simdjson::minify(example));
  object named;
  if (!media["examples"].get(named)) {
    for (const auto [name, item] : named) out.push_back(simdjson::minify(element(item["value"])));
  }
  return out;
}

template <class Result>
std::string fault_of(const Result& result) {
  return result ? std::string() : result.error().message;
}

// What the server says to a body of this operation; empty: nothing.
std::string read(std::string_view id, const std::string& body) {
  const TimeZone zone;
  if (id == "createTask") return fault_of(parse_create(body, zone));
  if (id == "updateTask" || id == "patchTask") return fault_of(parse_update(body, zone));
  if (id == "completeTask") return fault_of(parse_complete(body));
  if (id == "undoTask") return fault_of(parse_undo(body));
  if (id == "createTasks") return fault_of(parse_batch(BatchKind::create, body, zone));
  if (id == "updateTasks") return fault_of(parse_batch(BatchKind::update, body, zone));
  if (id == "completeTasks") return fault_of(parse_batch(BatchKind::complete, body, zone));
  if (id == "deleteTasks") return fault_of(parse_batch(BatchKind::remove, body, zone));
  if (id == "createWebhook") return fault_of(parse_webhook_request(body));
  if (id == "replayWebhook") return fault_of(parse_replay_request(body));
  return {};
}

TEST(OpenApi, ExampleBodiesAreRead) {
  for (const Operation& operation : described()) {
    element media;
    if (operation.json["requestBody"]["content"]["application/json"].get(media)) continue;
    const auto examples = examples_of(media);
    EXPECT_FALSE(examples.empty()) << operation.name();
    for (const auto& body : examples)
      EXPECT_THAT(read(text_of(operation.json["operationId"]), body), IsEmpty()) << body;
  }
  EXPECT_THAT(read("createTask", R"({"titel":"x"})"), testing::HasSubstr("titel"));  // the check itself checks
}

// The names of an object's fields; unknown ones are refused.
std::set<std::string> fields_of(std::string_view schema) {
  const element described = document()["components"]["schemas"][schema];
  bool others = true;
  EXPECT_TRUE(!described["additionalProperties"].get(others) && !others) << schema;
  std::set<std::string> names;
  for (const auto [name, property] : object(described["properties"])) names.emplace(name);
  return names;
}

// Records of batches take what is described of them, and refuse every other field that one of them has.
TEST(OpenApi, RecordsHaveTheFieldsThatAreRead) {
  const std::map<std::string, std::string> records{{"CreateRecord", "createTasks"},
                                                   {"UpdateRecord", "updateTasks"},
                                                   {"CompleteRecord", "completeTasks"},
                                                   {"DeleteRecord", "deleteTasks"}};
  std::set<std::string> names;
  for (const auto& [schema, operation] : records) names.merge(fields_of(schema));
  for (const auto& [schema, operation] : records) {
    std::set<std::string> known;
    for (const std::string& name : names) {
      const auto fault = read(operation, R"({"records":[{")" + name + R"(":0}]})");
      if (fault.find("is unknown") == std::string::npos) known.insert(name);
    }
    EXPECT_EQ(fields_of(schema), known) << schema;
  }
}

TEST(OpenApi, ExampleFiltersAreRead) {
  for (const auto& filters :
       examples_of(document()["components"]["parameters"]["Filters"]["content"]["application/json"])) {
    EXPECT_THAT(fault_of(parse_filters(filters, TimeZone())), IsEmpty()) << filters;
  }
}

TEST(OpenApi, ExampleEventsAreEventLines) {
  const element page =
      document()["paths"]["/api/v1/events"]["get"]["responses"]["200"]["content"]["application/json"]["example"];
  for (const element event : array(page["data"])) {
    const auto line = simdjson::minify(event);
    EXPECT_THAT(fault_of(parse_event_line(line)), IsEmpty()) << line;
  }
}

// Every name that the description lists is one the code knows, and the other way round.
TEST(OpenApi, NamesAreTheCodes) {
  const auto listed = [](std::string_view schema) {
    std::string names;
    for (const element name : array(document()["components"]["schemas"][schema]["enum"]))
      names += (names.empty() ? "" : ", ") + text_of(name);
    return names;
  };
  EXPECT_EQ(listed("Priority"), kPriorityNames);
  EXPECT_EQ(listed("ActionType"), kActionTypeNames);
  EXPECT_EQ(listed("EntityType"), kEntityTypeNames);
  EXPECT_EQ(listed("EventType"), kEventTypeNames);
  EXPECT_EQ(listed("Scope"), kScopeNames);
  EXPECT_EQ(listed("WebhookType"), kWebhookTypeNames);
}

TEST(OpenApi, ThePageAsksNobodyElse) {
  for (const std::string_view foreign :
       {"src=\"http", "href=\"http", "url(http", "@import", "<style ", "<script ", " style=\"", " onclick=\""}) {
    EXPECT_EQ(embedded::docs_html.find(foreign), std::string_view::npos) << foreign;
  }
}

}  // namespace
}  // namespace taskledger::http
