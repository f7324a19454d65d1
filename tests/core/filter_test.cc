#include "core/filter.h"

#include "tests/core/support.h"

namespace taskledger {
namespace {

using namespace testing;

const TimeZone kUtc;

std::string error_of(std::string_view json) {
  const auto group = parse_filters(json, kUtc);
  return group ? "ok" : group.error().message;
}
// A group of one condition.
std::string one(std::string_view field, std::string_view op, std::string_view value = "") {
  std::string json = R"({"conditions":[{"field":")" + std::string(field) + R"(","operator":")" + std::string(op) + '"';
  if (!value.empty()) json += ",\"value\":" + std::string(value);
  return json + "}]}";
}
bool holds(const Task& task, const std::string& json, const TimeZone& zone = kUtc) {
  const auto group = parse_filters(json, zone);
  EXPECT_TRUE(group) << json << ": " << (group ? "" : group.error().message);
  return group && matches(*group, task);
}
bool holds(const Task& task, std::string_view field, std::string_view op, std::string_view value = "") {
  return holds(task, one(field, op, value));
}
std::string fault(std::string_view field, std::string_view op, std::string_view value = "") {
  return error_of(one(field, op, value));
}

Task bare() {
  Task task;
  task.id = {uuid(1)};
  task.lifecycle = Lifecycle::live;
  task.fields = titled("Große Straße");
  task.created_by = user(9);
  task.created_at = at("2025-03-01T10:00:00Z");
  task.updated_at = at("2025-03-02T10:00:00Z");
  return task;
}
Task full() {
  Task task = bare();
  task.fields.due_date = at("2025-03-15T12:00:00Z");
  task.fields.priority = Priority::medium;
  task.fields.action_type = ActionType::email;
  task.fields.assigned_to = user(7);
  task.fields.links = {link(1, EntityType::contacts), link(2, EntityType::companies)};
  task.completed_at = at("2025-03-14T08:00:00Z");
  task.completed_by = user(8);
  return task;
}

TEST(FilterGroups, CombineWithAndOr) {
  const std::string yes = R"({"field":"title","operator":"contains","value":"strasse"})";
  const std::string no = R"({"field":"priority","operator":"is_null"})";
  const Task task = full();
  EXPECT_TRUE(holds(task, "{}"));
  EXPECT_TRUE(holds(task, R"({"type":"or","conditions":[]})"));
  EXPECT_TRUE(holds(task, R"({"conditions":[)" + yes + "]}"));
  EXPECT_FALSE(holds(task, R"({"conditions":[)" + yes + "," + no + "]}"));
  EXPECT_FALSE(holds(task, R"({"type":"and","conditions":[)" + yes + "," + no + "]}"));
  for (const char* key : {"type", "operator", "logic"}) {
    for (const char* list : {"conditions", "filters", "rules"}) {
      EXPECT_TRUE(holds(task, std::string("{\"") + key + R"(":"oR",")" + list + "\":[" + no + "," + yes + "]}"));
    }
  }
  EXPECT_TRUE(holds(task, R"({"conditions":[)" + yes + R"(,{"type":"OR","rules":[)" + no + "," + yes + "]}]}"));
  EXPECT_TRUE(holds(task, R"({"type":"OR","conditions":[)" + no + R"(,{"rules":[]}]})"));
}

TEST(FilterGroups, FaultsNameTheirPlaceInTheCallersSpelling) {
  const std::string_view group = "Parameter 'filters' must be a group of conditions, as a JSON object";
  const struct {
    std::string_view json, error;
  } kCases[] = {
      {"", "Parameter 'filters' must be valid JSON"},
      {"{", "Parameter 'filters' must be valid JSON"},
      {"[]", group},
      {"\"x\"", group},
      {R"({"field":"title","operator":"eq","value":"x"})",
       "Parameter 'filters' must be a group: a condition stands in the 'conditions' of one"},
      {R"({"type":"XOR"})", "Parameter 'filters.type' must be one of: AND, OR"},
      {R"({"logic":1})", "Parameter 'filters.logic' must be one of: AND, OR"},
      {R"({"conditions":{}})", "Parameter 'filters.conditions' must be an array"},
      {R"({"rules":null})", "Parameter 'filters.rules' must be an array"},
      {R"({"foo":1})", "Parameter 'filters.foo' is unknown"},
      {R"({"type":"OR","type":"OR"})", "Parameter 'filters.type' is given twice"},
      {R"({"type":"OR","operator":"OR"})", "Parameter 'filters.operator' is given twice, under another name"},
      {R"({"rules":[],"filters":[]})", "Parameter 'filters.filters' is given twice, under another name"},
      {R"({"conditions":[1]})", "Parameter 'filters.conditions[0]' must be a condition or a group"},
      {R"({"rules":[{},{"conditions":[{"field":"priority","operator":"eq","value":"x"}]}]})",
       "Parameter 'filters.rules[1].conditions[0].value' must be one of: low, medium, high"},
      {R"({"conditions":[{"field":"foo"}]})",
       "Parameter 'filters.conditions[0].field' must be one of: id, title, due_date, priority, action_type, "
       "is_completed, "
       "completed_at, completed_by, assigned_to_id, created_by, created_at, updated_at, linked_entity_id, "
       "linked_entity_type"},
      {R"({"conditions":[{"field":"title"}]})", "Parameter 'filters.conditions[0].operator' is required"},
      {R"({"conditions":[{"field":"title","operator":1}]})",
       "Parameter 'filters.conditions[0].operator' must be a string"},
      {R"({"conditions":[{"field":"title","operator":"eq"}]})", "Parameter 'filters.conditions[0].value' is required"},
      {R"({"conditions":[{"field":"title","field":"title"}]})",
       "Parameter 'filters.conditions[0].field' is given twice"},
      {R"({"conditions":[{"field":"title","operator":"eq","value":"x","not":1}]})",
       "Parameter 'filters.conditions[0].not' is unknown"},
      {R"({"conditions":[{"field":"is_completed","operator":"contains","value":"x"}]})",
       "Parameter 'filters.conditions[0].operator' must be one of: equals, not_equals (field 'is_completed' has no "
       "'contains')"},
      {R"({"conditions":[{"field":"due_date","operator":"Equals","value":"x"}]})",
       "Parameter 'filters.conditions[0].operator' must be one of: equals, not_equals, greater_than, greater_equal, "
       "less_than, "
       "less_equal, between, date_before, date_after, is_null, is_not_null (field 'due_date' has no 'Equals')"},
  };
  for (const auto& c : kCases) EXPECT_EQ(error_of(c.json), c.error) << c.json;
}

// The table of the contract: which operators each field has.
TEST(FilterConditions, OperatorsOfEachField) {
  const std::string members = "equals not_equals in not_in ", nulls = "is_null is_not_null ";
  const std::string order = "greater_than greater_equal less_than less_equal between ";
  const std::string times = "equals not_equals " + order + "date_before date_after " + nulls;
  const std::pair<std::string_view, std::string> kRows[] = {
      {"title", members + "contains not_contains starts_with ends_with "},
      {"priority", members + order + nulls},
      {"action_type", members + nulls},
      {"due_date", times},
      {"created_at", times},
      {"updated_at", times},
      {"completed_at", times},
      {"is_completed", "equals not_equals "},
      {"id", members + nulls},
      {"assigned_to_id", members + nulls},
      {"created_by", members + nulls},
      {"completed_by", members + nulls},
      {"linked_entity_id", members + nulls},
      {"linked_entity_type", members + nulls},
  };
  const std::pair<std::string_view, std::string_view> kShort[] = {
      {"eq", "equals"},    {"neq", "not_equals"}, {"gt", "greater_than"},  {"gte", "greater_equal"},
      {"lt", "less_than"}, {"lte", "less_equal"}, {"is_empty", "is_null"}, {"is_not_empty", "is_not_null"}};
  for (const auto& [field, row] : kRows) {
    std::string accepted;
    for (const char* op : {"equals", "not_equals", "in", "not_in", "contains", "not_contains", "starts_with",
                           "ends_with", "greater_than", "greater_equal", "less_than", "less_equal", "between",
                           "date_before", "date_after", "is_null", "is_not_null"}) {
      // Whatever the value: a fault of the operator is found before one of the value.
      if (fault(field, op, "[]").find(".operator'") == std::string::npos) accepted += std::string(op) + " ";
    }
    EXPECT_EQ(accepted, row) << field;
    for (const auto& [spelling, op] : kShort) {
      const bool has = fault(field, spelling, "[]").find(".operator'") == std::string::npos;
      EXPECT_EQ(has, row.find(std::string(op) + " ") != std::string::npos) << field << " " << spelling;
    }
  }
}

TEST(FilterConditions, ValuesAreChecked) {
  const std::string at_value = "Parameter 'filters.conditions[0].value' ";
  const std::string at_second = "Parameter 'filters.conditions[0].value[1]' ";
  const std::string id = "\"00000000-0000-0000-0000-000000000001\"";
  EXPECT_EQ(fault("title", "eq", "5"), at_value + "must be a string");
  EXPECT_EQ(fault("title", "eq", "null"), at_value + "must be a string");
  EXPECT_EQ(fault("title", "contains", "null"), at_value + "must be a string");
  EXPECT_EQ(fault("title", "in", R"(["a",1])"), at_second + "must be a string");
  EXPECT_EQ(fault("title", "in", "{}"), at_value + "must be an array or a comma-separated string");
  EXPECT_EQ(fault("priority", "eq", "\"urgent\""), at_value + "must be one of: low, medium, high");
  EXPECT_EQ(fault("priority", "in", R"(["low","urgent"])"), at_second + "must be one of: low, medium, high");
  EXPECT_EQ(fault("priority", "in", R"("low,urgent")"), at_value + "must be one of: low, medium, high");
  EXPECT_EQ(fault("priority", "in", R"("low,")"), at_value + "must be one of: low, medium, high");
  EXPECT_EQ(fault("priority", "in", "[null]"),
            "Parameter 'filters.conditions[0].value[0]' must be one of: low, medium, high");
  EXPECT_EQ(fault("priority", "gt", "null"), at_value + "must be one of: low, medium, high");
  EXPECT_EQ(fault("priority", "gt", "2"), at_value + "must be one of: low, medium, high");
  EXPECT_EQ(fault("priority", "between", R"(["low"])"), at_value + "must be an array of two values");
  EXPECT_EQ(fault("priority", "between", R"(["low","x"])"), at_second + "must be one of: low, medium, high");
  EXPECT_EQ(fault("action_type", "eq", "\"fax\""),
            at_value + "must be one of: call, email, meeting, linkedin_message, whatsapp_message");
  EXPECT_EQ(fault("linked_entity_type", "eq", "\"deals\""),
            at_value + "must be one of: contacts, companies, opportunities");
  EXPECT_EQ(fault("due_date", "eq", "\"soon\""), at_value + "must be a date or a date-time (RFC 3339)");
  EXPECT_EQ(fault("due_date", "gt", "1700000000"), at_value + "must be a date or a date-time (RFC 3339)");
  EXPECT_EQ(fault("due_date", "between", R"(["2025-01-01","2025-02-30"])"),
            at_second + "must be a date or a date-time (RFC 3339)");
  EXPECT_EQ(fault("due_date", "between", R"(["2025-01-01","2025-01-02","2025-01-03"])"),
            at_value + "must be an array of two values");
  EXPECT_EQ(fault("is_completed", "eq", "\"true\""), at_value + "must be true or false");
  EXPECT_EQ(fault("is_completed", "eq", "null"), at_value + "must be true or false");
  EXPECT_EQ(fault("assigned_to_id", "eq", "\"me\""), at_value + "must be a UUID");
  EXPECT_EQ(fault("id", "in", "[" + id + ",7]"), at_second + "must be a UUID");
  EXPECT_EQ(fault("priority", "is_null", "{\"any\":\"thing\"}"), "ok");
}

TEST(FilterConditions, LimitsHold) {
  const auto conditions = [](std::size_t count) {
    std::string json = R"({"conditions":[)";
    for (std::size_t i = 0; i < count; ++i)
      json += (i ? "," : "") + std::string(R"({"field":"priority","operator":"is_null"})");
    return json + "]}";
  };
  EXPECT_EQ(error_of(conditions(100)), "ok");
  EXPECT_EQ(error_of(conditions(101)), "Parameter 'filters' must not have more than 100 conditions");
  const auto levels = [](std::size_t count) {
    std::string json = "{}";
    for (std::size_t i = 1; i < count; ++i) json = R"({"rules":[)" + json + "]}";
    return json;
  };
  EXPECT_EQ(error_of(levels(8)), "ok");
  EXPECT_EQ(error_of(levels(9)), "Parameter 'filters' must not have more than 8 levels of groups");
  const std::string json = one("title", "eq", "\"x\"");
  EXPECT_EQ(error_of(json + std::string(kMaxFiltersBytes - json.size(), ' ')), "ok");
  EXPECT_EQ(error_of(json + std::string(kMaxFiltersBytes - json.size() + 1, ' ')),
            "Parameter 'filters' must be at most 16384 bytes long");
}

TEST(FilterConditions, Titles) {
  const Task task = full();
  EXPECT_TRUE(holds(task, "title", "equals", "\"Große Straße\""));
  EXPECT_FALSE(holds(task, "title", "equals", "\"große straße\""));
  EXPECT_TRUE(holds(task, "title", "not_equals", "\"große straße\""));
  EXPECT_TRUE(holds(task, "title", "in", R"(["x","Große Straße"])"));
  EXPECT_TRUE(holds(task, "title", "in", R"("x, Große Straße")"));
  EXPECT_TRUE(holds(task, "title", "not_in", R"(["x"])"));
  EXPECT_TRUE(holds(task, "title", "contains", "\"E STRASS\""));
  EXPECT_FALSE(holds(task, "title", "not_contains", "\"E STRASS\""));
  EXPECT_TRUE(holds(task, "title", "contains", "\"\""));
  EXPECT_TRUE(holds(task, "title", "starts_with", "\"GROSSE\""));
  EXPECT_FALSE(holds(task, "title", "starts_with", "\"STRASSE\""));
  EXPECT_TRUE(holds(task, "title", "ends_with", "\"SSE\""));
  EXPECT_FALSE(holds(task, "title", "ends_with", "\"grosse\""));
  EXPECT_FALSE(holds(task, "title", "contains", "\"a\\u0000\\n\""));
}

TEST(FilterConditions, NullMatchesOnlyItsTestsAndNegations) {
  const Task task = bare();
  const std::string who = "\"00000000-0000-0000-0000-000000000007\"", when = "\"2025-03-15T12:00:00Z\"";
  const std::tuple<std::string, std::string, std::string> kFields[] = {
      {"priority", "\"medium\"", "[\"medium\"]"}, {"action_type", "\"email\"", "[\"email\"]"},
      {"assigned_to_id", who, "[" + who + "]"},   {"completed_by", who, "[" + who + "]"},
      {"linked_entity_id", who, "[" + who + "]"}, {"linked_entity_type", "\"contacts\"", "[\"contacts\"]"}};
  for (const auto& [field, value, list] : kFields) {
    EXPECT_FALSE(holds(task, field, "equals", value)) << field;
    EXPECT_TRUE(holds(task, field, "not_equals", value)) << field;
    EXPECT_FALSE(holds(task, field, "in", list)) << field;
    EXPECT_TRUE(holds(task, field, "not_in", list)) << field;
    EXPECT_FALSE(holds(task, field, "in", "[]")) << field;
    EXPECT_FALSE(holds(task, field, "in", "\"\"")) << field;
    EXPECT_TRUE(holds(task, field, "not_in", "[]")) << field;
    EXPECT_TRUE(holds(task, field, "equals", "null")) << field;
    EXPECT_FALSE(holds(task, field, "not_equals", "null")) << field;
    EXPECT_TRUE(holds(task, field, "is_null")) << field;
    EXPECT_TRUE(holds(task, field, "is_empty")) << field;
    EXPECT_FALSE(holds(task, field, "is_not_null")) << field;
    EXPECT_FALSE(holds(full(), field, "is_null")) << field;
    EXPECT_TRUE(holds(full(), field, "is_not_empty")) << field;
    EXPECT_TRUE(holds(full(), field, "not_equals", "null")) << field;
    EXPECT_FALSE(holds(full(), field, "in", "[]")) << field;
  }
  for (const char* field : {"due_date", "completed_at"}) {
    EXPECT_FALSE(holds(task, field, "equals", when)) << field;
    EXPECT_TRUE(holds(task, field, "not_equals", when)) << field;
    for (const char* op : {"gt", "gte", "lt", "lte", "date_before", "date_after"})
      EXPECT_FALSE(holds(task, field, op, when)) << op;
    EXPECT_FALSE(holds(task, field, "between", R"(["1970-01-02","9999-12-30"])")) << field;
    EXPECT_TRUE(holds(task, field, "eq", "null")) << field;
    EXPECT_TRUE(holds(full(), field, "neq", "null")) << field;
  }
  EXPECT_FALSE(holds(task, "created_by", "is_null"));
  EXPECT_FALSE(holds(task, "created_at", "is_null"));
}

TEST(FilterConditions, PrioritiesHaveAnOrder) {
  const Task task = full();  // medium
  const std::tuple<const char*, const char*, const char*> kTable[] = {
      {"greater_than", "low", "t"},   {"greater_than", "medium", "f"}, {"greater_equal", "medium", "t"},
      {"greater_equal", "high", "f"}, {"less_than", "high", "t"},      {"less_than", "medium", "f"},
      {"less_equal", "medium", "t"},  {"less_equal", "low", "f"},      {"equals", "medium", "t"},
      {"not_equals", "medium", "f"}};
  for (const auto& [op, value, expected] : kTable) {
    EXPECT_EQ(holds(task, "priority", op, "\"" + std::string(value) + "\""), *expected == 't') << op << value;
  }
  EXPECT_TRUE(holds(task, "priority", "between", R"(["low","medium"])"));
  EXPECT_TRUE(holds(task, "priority", "between", R"(["medium","medium"])"));
  EXPECT_FALSE(holds(task, "priority", "between", R"(["high","low"])"));
  EXPECT_TRUE(holds(task, "priority", "in", R"("low, medium")"));
  EXPECT_FALSE(holds(task, "priority", "not_in", R"("low,medium")"));
}

TEST(FilterConditions, InstantsAreExact) {
  const Task task = full();
  const std::string same = "\"2025-03-15T13:00:00.0009+01:00\"", after = "\"2025-03-15T12:00:00.001Z\"";
  EXPECT_TRUE(holds(task, "due_date", "equals", same));
  EXPECT_FALSE(holds(task, "due_date", "not_equals", same));
  EXPECT_FALSE(holds(task, "due_date", "greater_than", same));
  EXPECT_TRUE(holds(task, "due_date", "greater_equal", same));
  EXPECT_FALSE(holds(task, "due_date", "less_than", same));
  EXPECT_TRUE(holds(task, "due_date", "less_equal", same));
  EXPECT_FALSE(holds(task, "due_date", "date_before", same));
  EXPECT_FALSE(holds(task, "due_date", "date_after", same));
  EXPECT_TRUE(holds(task, "due_date", "date_before", after));
  EXPECT_FALSE(holds(task, "due_date", "equals", after));
  EXPECT_TRUE(holds(task, "due_date", "between", "[" + same + "," + same + "]"));
  EXPECT_FALSE(holds(task, "due_date", "between", "[" + after + "," + same + "]"));
}

// The day of 2025-03-30 in Paris has 23 hours: from 29T23:00Z to 30T22:00Z.
TEST(FilterConditions, ADateIsAWholeDayOfTheCaller) {
  const auto zone = TimeZone::load("Europe/Paris");
  ASSERT_TRUE(zone);
  const auto results = [&](std::string_view due) {
    Task task = full();
    task.fields.due_date = at(due);
    std::string letters;
    for (const auto& [op, letter] : std::vector<std::pair<std::string, char>>{{"equals", '='},
                                                                              {"greater_than", '>'},
                                                                              {"greater_equal", 'G'},
                                                                              {"less_than", '<'},
                                                                              {"less_equal", 'L'},
                                                                              {"date_before", 'b'},
                                                                              {"date_after", 'a'}}) {
      if (holds(task, one("due_date", op, "\"2025-03-30\""), *zone)) letters += letter;
    }
    if (holds(task, one("due_date", "between", R"(["2025-03-29","2025-03-30"])"), *zone)) letters += '2';
    return letters;
  };
  EXPECT_EQ(results("2025-03-28T22:59:59.999Z"), "<Lb");
  EXPECT_EQ(results("2025-03-28T23:00:00Z"), "<Lb2");
  EXPECT_EQ(results("2025-03-29T22:59:59.999Z"), "<Lb2");
  EXPECT_EQ(results("2025-03-29T23:00:00Z"), "=GL2");
  EXPECT_EQ(results("2025-03-30T21:59:59.999Z"), "=GL2");
  EXPECT_EQ(results("2025-03-30T22:00:00Z"), ">Ga");
}

TEST(FilterConditions, CompletionAndUsersAndIds) {
  EXPECT_TRUE(holds(full(), "is_completed", "equals", "true"));
  EXPECT_FALSE(holds(full(), "is_completed", "equals", "false"));
  EXPECT_FALSE(holds(full(), "is_completed", "not_equals", "true"));
  EXPECT_TRUE(holds(full(), "is_completed", "not_equals", "false"));
  EXPECT_TRUE(holds(bare(), "is_completed", "equals", "false"));
  EXPECT_TRUE(holds(bare(), "is_completed", "not_equals", "true"));
  EXPECT_TRUE(holds(full(), "id", "eq", "\"00000000-0000-0000-0000-000000000001\""));
  EXPECT_TRUE(holds(full(), "assigned_to_id", "eq", "\"00000000-0000-0000-0000-000000000007\""));
  EXPECT_TRUE(holds(full(), "completed_by", "in",
                    R"("00000000-0000-0000-0000-000000000003, 00000000-0000-0000-0000-000000000008")"));
  EXPECT_FALSE(holds(full(), "created_by", "neq", "\"00000000-0000-0000-0000-000000000009\""));
}

TEST(FilterConditions, LinksAreSomeOrNone) {
  const Task task = full();  // contact 1, company 2
  const auto id = [](int last) { return "\"00000000-0000-0000-0000-00000000000" + std::to_string(last) + "\""; };
  EXPECT_TRUE(holds(task, "linked_entity_id", "equals", id(2)));
  EXPECT_FALSE(holds(task, "linked_entity_id", "equals", id(3)));
  EXPECT_FALSE(holds(task, "linked_entity_id", "not_equals", id(2)));  // not: some link is another
  EXPECT_TRUE(holds(task, "linked_entity_id", "not_equals", id(3)));
  EXPECT_TRUE(holds(task, "linked_entity_id", "in", "[" + id(3) + "," + id(1) + "]"));
  EXPECT_FALSE(holds(task, "linked_entity_id", "not_in", "[" + id(3) + "," + id(1) + "]"));
  EXPECT_TRUE(holds(task, "linked_entity_type", "equals", "\"companies\""));
  EXPECT_TRUE(holds(task, "linked_entity_type", "not_equals", "\"opportunities\""));
  EXPECT_FALSE(holds(task, "linked_entity_type", "not_in", "\"opportunities,contacts\""));
  // Two conditions need not meet in the same link.
  EXPECT_TRUE(holds(task, R"({"conditions":[{"field":"linked_entity_id","operator":"eq","value":)" + id(1) +
                              R"(},{"field":"linked_entity_type","operator":"eq","value":"companies"}]})"));
}

TEST(FilterConditions, MembersAreSortedAndGivenOnce) {
  const auto group = parse_filters(one("title", "in", R"(["b","a","b"])"), kUtc);
  ASSERT_TRUE(group);
  EXPECT_EQ(std::get<Condition>(group->children[0]).texts, (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace taskledger
