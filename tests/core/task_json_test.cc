#include "core/task_json.h"

#include "tests/core/support.h"

namespace taskledger {
namespace {

using namespace testing;

const TimeZone kUtc;

std::string create_error(std::string_view json) {
  const auto command = parse_create(json, kUtc);
  return command ? "ok" : command.error().message;
}
std::string update_error(std::string_view json) {
  const auto command = parse_update(json, kUtc);
  return command ? "ok" : command.error().message;
}
std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}
std::string with_title(const std::string& title) { return R"({"title":")" + title + "\"}"; }
std::string with_links(std::size_t count) {
  std::string out = R"({"title":"a","linked_entities":[)";
  for (std::size_t i = 0; i < count; ++i) {
    out += (i ? "," : "") + (R"({"type":"contacts","id":")" + to_string(uuid(static_cast<std::uint8_t>(i))) + "\"}");
  }
  return out + "]}";
}

TEST(CreateBody, AllFields) {
  const auto zone = TimeZone::load("Europe/Paris");
  ASSERT_TRUE(zone);
  const auto command = parse_create(R"({
    "title": "  Caf\u00e9 \u3000", "due_date": "2025-03-15", "priority": "high", "action_type": "whatsapp_message",
    "assigned_to_id": "00000000-0000-0000-0000-0000000000AB",
    "linked_entities": [{"id": "00000000-0000-0000-0000-000000000002", "type": "opportunities"},
                        {"type": "contacts", "id": "00000000-0000-0000-0000-000000000001"},
                        {"id": "00000000-0000-0000-0000-000000000002", "type": "opportunities"}]})",
                                    *zone);
  ASSERT_TRUE(command) << command.error().message;
  TaskFields expected = titled("Café");
  expected.due_date = at("2025-03-15T22:59:59Z");
  expected.priority = Priority::high;
  expected.action_type = ActionType::whatsapp_message;
  expected.assigned_to = user(0xAB);
  expected.links = {link(2, EntityType::opportunities), link(1, EntityType::contacts)};
  EXPECT_EQ(command->fields, expected);
}

TEST(CreateBody, NullMeansAbsent) {
  const auto command = parse_create(
      R"({"title":"a","due_date":null,"priority":null,"action_type":null,"assigned_to_id":null,"linked_entities":null})",
      kUtc);
  ASSERT_TRUE(command);
  EXPECT_EQ(command->fields, titled("a"));
}

TEST(CreateBody, TitlesAreCountedInCodePointsAfterTrimming) {
  EXPECT_EQ(create_error(with_title(repeated("a", 500))), "ok");
  EXPECT_EQ(create_error(with_title("  " + repeated("𝒳", 500) + " \\t\\n")), "ok");
  const std::string wrong = "Field 'title' must be 1 to 500 characters long";
  EXPECT_EQ(create_error(with_title(repeated("a", 501))), wrong);
  EXPECT_EQ(create_error(with_title(repeated("é", 501))), wrong);
  EXPECT_EQ(create_error(with_title("")), wrong);
  EXPECT_EQ(create_error(with_title(" \\t\\u00a0\\u2003 ")), wrong);
  const std::string control = "Field 'title' must not contain control characters";
  EXPECT_EQ(create_error(with_title("a\\nb")), control);
  EXPECT_EQ(create_error(with_title("a\\u0000b")), control);
  EXPECT_EQ(create_error(with_title("a\\u007f")), control);
  EXPECT_EQ(create_error(with_title("a\\u0085b")), control);
}

TEST(CreateBody, FaultsNameTheirField) {
  const std::string id = R"("id":"00000000-0000-0000-0000-000000000002")";
  const struct {
    std::string json;
    std::string_view error;
  } kCases[] = {
      {"", "Body must be valid JSON"},
      {"{", "Body must be valid JSON"},
      {R"({"title":"a"} x)", "Body must be valid JSON"},
      {R"({'title':'a'})", "Body must be valid JSON"},
      {R"({"title":"a",})", "Body must be valid JSON"},
      {R"({"title":"\ud800"})", "Body must be valid JSON"},
      {"{\"title\":\"\xc3(\"}", "Body must be valid JSON"},
      {"[]", "Body must be a JSON object"},
      {"null", "Body must be a JSON object"},
      {"{}", "Field 'title' is required"},
      {R"({"title":null})", "Field 'title' is required"},
      {R"({"title":5})", "Field 'title' must be a string"},
      {R"({"title":"a","foo":1})", "Field 'foo' is unknown"},
      {R"({"title":"a","Title":"b"})", "Field 'Title' is unknown"},
      {R"({"title":"a","id":null})", "Field 'id' is unknown"},
      {R"({"title":"a","is_completed":false})", "Field 'is_completed' is unknown"},
      {R"({"title":"a","t\u0069tle":"b"})", "Field 'title' is given twice"},
      {R"({"title":null,"title":"b"})", "Field 'title' is given twice"},
      {R"({"title":"a","due_date":""})", "Field 'due_date' must be a date or a date-time (RFC 3339)"},
      {R"({"title":"a","due_date":1700000000})", "Field 'due_date' must be a date or a date-time (RFC 3339)"},
      {R"({"title":"a","priority":"urgent"})", "Field 'priority' must be one of: low, medium, high"},
      {R"({"title":"a","priority":"High"})", "Field 'priority' must be one of: low, medium, high"},
      {R"({"title":"a","priority":1})", "Field 'priority' must be one of: low, medium, high"},
      {R"({"title":"a","action_type":"fax"})",
       "Field 'action_type' must be one of: call, email, meeting, linkedin_message, whatsapp_message"},
      {R"({"title":"a","assigned_to_id":"me"})", "Field 'assigned_to_id' must be a UUID"},
      {R"({"title":"a","linked_entities":{}})", "Field 'linked_entities' must be an array"},
      {R"({"title":"a","linked_entities":[1]})", "Field 'linked_entities[0]' must be an object"},
      {R"({"title":"a","linked_entities":[{"type":"contacts"}]})", "Field 'linked_entities[0].id' is required"},
      {R"({"title":"a","linked_entities":[{)" + id + "}]}", "Field 'linked_entities[0].type' is required"},
      {R"({"title":"a","linked_entities":[{"type":"contacts",)" + id + "},{" + id + R"(,"type":"deals"}]})",
       "Field 'linked_entities[1].type' must be one of: contacts, companies, opportunities"},
      {R"({"title":"a","linked_entities":[{"id":null}]})", "Field 'linked_entities[0].id' must be a UUID"},
      {R"({"title":"a","linked_entities":[{"name":""}]})", "Field 'linked_entities[0].name' is unknown"},
      {R"({"title":"a","linked_entities":[{)" + id + "," + id + "}]}", "Field 'linked_entities[0].id' is given twice"},
      {with_links(101), "Field 'linked_entities' must have at most 100 items"},
      {with_links(100), "ok"},
  };
  for (const auto& c : kCases) EXPECT_EQ(create_error(c.json), c.error) << c.json;
}

TEST(CreateBody, LongUnknownNamesAreCut) {
  const std::string error = create_error("{\"" + repeated("é", 1000) + "\":1}");
  EXPECT_EQ(error, "Field '" + repeated("é", 50) + "…' is unknown");
}

TEST(CreateBody, NumbersHave64Bits) {
  const std::string large = "Body must be valid JSON, its numbers within 64 bits";
  for (const std::string_view number : {"99999999999999999999999", "-99999999999999999999999", "1e400", "-1.5E+400"})
    EXPECT_EQ(create_error("{\"title\":" + std::string(number) + "}"), large) << number;
  for (const std::string_view number : {"01", "--1", "-", "1.", "1e", "1e400x", "1e400 1e400", "+1", ".5"})
    EXPECT_EQ(create_error("{\"title\":" + std::string(number) + "}"), "Body must be valid JSON") << number;
  EXPECT_EQ(create_error("{\"title\":" + std::string(4 << 20, '1') + ".}"), "Body must be valid JSON")
      << "in no time that grows with its square";
  EXPECT_EQ(create_error(R"({"a\"1e400":"1e400\\","title":1e400})"), large) << "numbers within strings are none";
  EXPECT_EQ(create_error(R"({"a":"\","title":1e400})"), "Body must be valid JSON") << "the string does not end";
  EXPECT_EQ(create_error(R"({"title":18446744073709551615})"), "Field 'title' must be a string");
}

TEST(CreateBody, DeepNestingIsRefused) {
  EXPECT_EQ(create_error("{\"title\":" + repeated("[", 30'000) + repeated("]", 30'000) + "}"),
            "Body must be valid JSON");
}

TEST(UpdateBody, OnlyTheFieldsGiven) {
  const auto command = parse_update(R"({"priority":null,"linked_entities":null,"title":" b "})", kUtc);
  ASSERT_TRUE(command);
  TaskPatch expected;
  expected.title = "b";
  expected.priority.emplace();
  expected.links.emplace();
  EXPECT_EQ(command->patch, expected);
}

TEST(UpdateBody, ReadOnlyFieldsAreIgnoredWhateverTheirValue) {
  const auto command = parse_update(
      R"({"id":1,"is_completed":"x","completed_at":[],"completed_by":{},"created_by":null,"created_at":"","updated_at":0})",
      kUtc);
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_TRUE(command->patch.empty());
}

TEST(UpdateBody, Faults) {
  EXPECT_EQ(update_error("{}"), "Body must have at least one field");
  EXPECT_EQ(update_error("[1]"), "Body must be a JSON object");
  EXPECT_EQ(update_error(R"({"title":null})"), "Field 'title' cannot be cleared");
  EXPECT_EQ(update_error(R"({"title":" "})"), "Field 'title' must be 1 to 500 characters long");
  EXPECT_EQ(update_error(R"({"task_id":"00000000-0000-0000-0000-000000000002"})"), "Field 'task_id' is unknown");
  EXPECT_EQ(update_error(R"({"id":1,"id":1})"), "Field 'id' is given twice");
  EXPECT_EQ(update_error(R"({"version":1})"), "Field 'version' is unknown");
}

TEST(CompleteBody, DefaultsToTrue) {
  EXPECT_TRUE(parse_complete("")->completed);
  EXPECT_TRUE(parse_complete("{}")->completed);
  EXPECT_TRUE(parse_complete(R"({"completed":true})")->completed);
  EXPECT_FALSE(parse_complete(R"({"completed":false})")->completed);
  EXPECT_EQ(parse_complete(R"({"completed":1})").error().message, "Field 'completed' must be true or false");
  EXPECT_EQ(parse_complete(R"({"completed":null})").error().message, "Field 'completed' must be true or false");
  EXPECT_EQ(parse_complete(R"({"done":true})").error().message, "Field 'done' is unknown");
  EXPECT_EQ(parse_complete(" ").error().message, "Body must be valid JSON");
}

TEST(UndoBody, MayNameAnEvent) {
  EXPECT_EQ(parse_undo("")->event, std::nullopt);
  EXPECT_EQ(parse_undo("{}")->event, std::nullopt);
  EXPECT_EQ(parse_undo(R"({"event_id":"00000000-0000-0000-0000-000000000002"})")->event, EventId{uuid(2)});
  EXPECT_EQ(parse_undo(R"({"event_id":"2"})").error().message, "Field 'event_id' must be a UUID");
}

std::string batch_error(BatchKind kind, const std::string& records) {
  const auto batch = parse_batch(kind, R"({"records":)" + records + "}", kUtc);
  if (batch) return "ok";
  return batch.error().message + " @" + (batch.error().index ? std::to_string(*batch.error().index) : "none");
}

TEST(BatchBody, RecordsOfEachKind) {
  const std::string id = R"("task_id":"00000000-0000-0000-0000-000000000002")";
  const auto create = parse_batch(BatchKind::create, R"({"records":[{"title":"a"},{"title":"b"}]})", kUtc);
  ASSERT_TRUE(create);
  ASSERT_EQ(create->size(), 2u);
  EXPECT_EQ((*create)[0].task_id, std::nullopt);
  EXPECT_EQ(std::get<CreateTask>((*create)[1].command).fields.title, "b");

  const auto update =
      parse_batch(BatchKind::update, R"({"records":[{)" + id + R"(,"title":"b","is_completed":true}]})", kUtc);
  ASSERT_TRUE(update);
  EXPECT_EQ((*update)[0].task_id, TaskId{uuid(2)});
  EXPECT_EQ(std::get<UpdateTask>((*update)[0].command).patch.title, "b");

  const auto complete = parse_batch(
      BatchKind::complete, R"({"records":[{)" + id + "},{" + id + R"(,"completed":false,"updated_at":1}]})", kUtc);
  ASSERT_TRUE(complete);
  EXPECT_TRUE(std::get<CompleteTask>((*complete)[0].command).completed);
  EXPECT_FALSE(std::get<CompleteTask>((*complete)[1].command).completed);

  const auto remove = parse_batch(BatchKind::remove, R"({"records":[{)" + id + "}]}", kUtc);
  ASSERT_TRUE(remove);
  EXPECT_TRUE(std::holds_alternative<DeleteTask>((*remove)[0].command));
}

TEST(BatchBody, FaultsNameTheirRecord) {
  const std::string id = R"({"task_id":"00000000-0000-0000-0000-000000000002")";
  using enum BatchKind;
  const struct {
    BatchKind kind;
    std::string records;
    std::string_view error;
  } kCases[] = {
      {create, "[]", "Field 'records' must have 1 to 100 records @none"},
      {create, "{}", "Field 'records' must be an array @none"},
      {create, "[" + repeated(R"({"title":"a"},)", 100) + R"({"title":"a"}])",
       "Field 'records' must have 1 to 100 records @none"},
      {create, "[" + repeated(R"({"title":"a"},)", 99) + R"({"title":"a"}])", "ok"},
      {create, R"([{"title":"a"},{"title":""}])", "records[1]: Field 'title' must be 1 to 500 characters long @1"},
      {create, R"([{"title":"a"},7])", "records[1]: Record must be a JSON object @1"},
      {create, R"([{"title":"a","id":1,"task_id":"x"}])", "records[0]: Field 'task_id' is unknown @0"},
      {update, R"([{"title":"a"}])", "records[0]: Field 'task_id' is required @0"},
      {update, R"([{"task_id":"x"}])", "records[0]: Field 'task_id' must be a UUID @0"},
      {update, "[" + id + "}]", "records[0]: Record must have at least one field to change @0"},
      {update, "[" + id + R"(,"is_completed":1}])", "ok"},
      {update, "[" + id + R"(,"foo":1}])", "records[0]: Field 'foo' is unknown @0"},
      {complete, "[" + id + R"(,"completed":0}])", "records[0]: Field 'completed' must be true or false @0"},
      {complete, "[{}]", "records[0]: Field 'task_id' is required @0"},
      {remove, "[" + id + R"(,"completed":true}])", "records[0]: Field 'completed' is unknown @0"},
  };
  for (const auto& c : kCases) EXPECT_EQ(batch_error(c.kind, c.records), c.error) << c.records.substr(0, 100);
  EXPECT_EQ(parse_batch(create, "{}", kUtc).error().message, "Field 'records' is required");
  EXPECT_EQ(parse_batch(create, R"({"record":[]})", kUtc).error().message, "Field 'record' is unknown");
  EXPECT_EQ(parse_batch(create, "[]", kUtc).error().message, "Body must be a JSON object");
}

}  // namespace
}  // namespace taskledger
