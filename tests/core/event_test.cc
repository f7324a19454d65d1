#include "core/event.h"

#include <random>

#include "core/canonical_event.h"
#include "core/event_reader.h"
#include "tests/core/support.h"

namespace taskledger {
namespace {

using namespace testing;

constexpr std::string_view kUser = "00000000-0000-0000-0000-000000000005";

std::string error_of(EventType type, std::string_view json) {
  const auto event = parse_event_data(type, json);
  return event ? "ok" : event.error().message;
}
std::string line_error(std::string_view line) {
  const auto event = parse_event_line(line);
  return event ? "ok" : event.error().message;
}

TEST(EventTypes, HaveNames) {
  for (std::uint8_t code = 1; code <= 7; ++code) {
    const auto type = static_cast<EventType>(code);
    EXPECT_EQ(parse_event_type(name_of(type)), type);
    EXPECT_NE(kEventTypeNames.find(name_of(type)), std::string_view::npos);
  }
  EXPECT_EQ(name_of(EventType::task_erased), "TaskErased");
  EXPECT_EQ(type_of(TaskRestored{}), EventType::task_restored);
  EXPECT_FALSE(parse_event_type("taskcreated"));
}

TEST(EventData, OfACreationLeavesNullsOut) {
  TaskFields fields = titled("Say \"hi\"\n");
  EXPECT_EQ(event_data(TaskCreated{fields}), R"({"title":"Say \"hi\"\n"})");
  fields = titled("Call");
  fields.due_date = Timestamp{1500};
  fields.priority = Priority::medium;
  fields.action_type = ActionType::linkedin_message;
  fields.assigned_to = user(5);
  fields.links = {link(1, EntityType::contacts)};
  EXPECT_EQ(
      event_data(TaskCreated{fields}),
      R"({"title":"Call","due_date":"1970-01-01T00:00:01.500Z","priority":"medium","action_type":"linkedin_message",)"
      R"("assigned_to_id":"00000000-0000-0000-0000-000000000005","linked_entities":[)"
      R"({"id":"00000000-0000-0000-0000-000000000001","type":"contacts"}]})");
}

TEST(EventData, OfAnUpdateKeepsNulls) {
  TaskUpdated event;
  event.patch.due_date.emplace();
  event.patch.links.emplace();
  EXPECT_EQ(event_data(event), R"({"due_date":null,"linked_entities":[]})");
  const auto parsed = parse_event_data(EventType::task_updated, R"({"linked_entities":null,"due_date":null})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, TaskEvent{event});
}

// The short way and the long one, of texts that are nearly what is stored: what the short one takes the long one takes
// as the same.
TEST(EventData, IsReadTheSameBothWays) {
  TaskFields full = titled("Call Ada \xc3\xa9");
  full.due_date = Timestamp{1'742'029'200'500};
  full.priority = Priority::high;
  full.action_type = ActionType::call;
  full.assigned_to = user(5);
  full.links = {link(1, EntityType::contacts), link(2, EntityType::companies)};
  TaskFields plain = full;
  plain.title = "Call, then: [write]";
  plain.due_date = Timestamp{1'742'029'200'000};
  TaskUpdated cleared, changed;
  cleared.patch.due_date.emplace();
  cleared.patch.assigned_to.emplace();
  cleared.patch.links.emplace();
  changed.patch.title = "Say it";
  changed.patch.priority = Priority::low;
  changed.patch.links = {link(3, EntityType::opportunities)};
  std::vector<std::pair<EventType, std::string>> texts;
  for (const TaskEvent& event : std::vector<TaskEvent>{TaskCreated{full}, TaskCreated{plain}, cleared, changed,
                                                       TaskCompleted{}, TaskReopened{}, TaskDeleted{}, TaskErased{}}) {
    texts.emplace_back(type_of(event), event_data(event));
    EXPECT_EQ(read_canonical_event(type_of(event), event_data(event)).has_value(),
              event != TaskEvent{TaskCreated{full}})
        << event_data(event);
  }
  for (const std::string_view text :
       {R"({"title":"a","title":"b"})", R"({"priority":"low","title":"a"})", R"({"title":"a", "priority":"low"})",
        R"({"title":null})", R"({"title":" a"})", R"({"title":"a\u0041"})", R"({"title":"a"}})", R"({"title":"a"} )",
        R"({"title":"a","priority":null})", R"({"due_date":"2025-03-15"})", R"({"due_date":"2025-02-30T00:00:00Z"})",
        R"({"due_date":"2025-03-15T09:00:00.000Z"})", R"({"due_date":"1969-12-31T23:59:59Z"})", R"({,"title":"a"})",
        R"({"linked_entities":[{"id":"00000000-0000-0000-0000-000000000001","type":"contacts"},)"
        R"({"id":"00000000-0000-0000-0000-000000000001","type":"contacts"}]})"}) {
    for (const EventType type : {EventType::task_created, EventType::task_updated}) texts.emplace_back(type, text);
  }
  for (const int unknown : {0, 8, 255}) {
    EXPECT_FALSE(read_canonical_event(static_cast<EventType>(unknown), "{}"));
    EXPECT_FALSE(parse_event_data(static_cast<EventType>(unknown), "{}"));
  }
  std::mt19937 random(7);
  const std::string_view alphabet = "\"{}[]:,\\ \n0Zaé";
  int taken = 0, refused = 0;
  for (const auto& [type, text] : texts) {
    for (int round = 0; round < 10'000; ++round) {
      std::string near = text;
      for (unsigned changes = random() % 3; changes > 0 && !near.empty(); --changes) {
        const std::size_t at = random() % near.size();
        switch (random() % 4) {
          case 0:
            near.erase(at, 1 + random() % 4);
            break;
          case 1:
            near.insert(at, near, random() % near.size(), 1 + random() % 30);
            break;
          case 2:
            near[at] = alphabet[random() % alphabet.size()];
            break;
          default:
            near[at] = static_cast<char>(near[at] ^ (1 << random() % 8));
        }
      }
      const auto quick = read_canonical_event(type, near);
      if (!quick) {
        ++refused;
        continue;
      }
      ++taken;
      const auto whole = json::read_event_text(type, near);
      ASSERT_TRUE(whole) << near << ": " << whole.error().message;
      ASSERT_EQ(*whole, *quick) << near;
    }
  }
  EXPECT_GT(taken, 10'000);
  EXPECT_GT(refused, 10'000);
}

TEST(EventData, OfTheOthersIsEmptyButForAnEarlierCompletion) {
  EXPECT_EQ(event_data(TaskCompleted{}), "{}");
  EXPECT_EQ(event_data(TaskReopened{}), "{}");
  EXPECT_EQ(event_data(TaskErased{}), "{}");
  EXPECT_EQ(event_data(TaskCompleted{Timestamp{0}, user(5)}),
            R"({"completed_at":"1970-01-01T00:00:00Z","completed_by":"00000000-0000-0000-0000-000000000005"})");
}

TEST(EventData, IsValidatedWhenRead) {
  const struct {
    EventType type;
    std::string_view json;
    std::string_view error;
  } kCases[] = {
      {EventType::task_created, R"({"title":"a","due_date":null,"linked_entities":null})", "ok"},
      {EventType::task_created, "{}", "Field 'title' is required"},
      {EventType::task_created, R"({"title":null})", "Field 'title' is required"},
      {EventType::task_created, R"({"title":"a","x":1})", "Field 'x' is unknown"},
      {EventType::task_created, R"({"title":"a","title":"b"})", "Field 'title' is given twice"},
      {EventType::task_created, R"({"title":"a")", "Event data must be valid JSON"},
      {EventType::task_created, "", "Event data must be valid JSON"},
      {EventType::task_created, "[]", "Event data must be a JSON object"},
      {EventType::task_created, "{\"title\":\"\xff\"}", "Event data must be valid JSON"},
      {EventType::task_updated, "{}", "Field 'data' must have at least one field"},
      {EventType::task_updated, R"({"title":null})", "Field 'title' cannot be cleared"},
      {EventType::task_updated, R"({"priority":"urgent"})", "Field 'priority' must be one of: low, medium, high"},
      {EventType::task_completed, R"({"completed_at":null,"completed_by":null})", "ok"},
      {EventType::task_completed, R"({"completed_at":"2020-01-01"})",
       "Field 'completed_at' must be a date-time (RFC 3339)"},
      {EventType::task_completed, R"({"completed_by":5})", "Field 'completed_by' must be a UUID"},
      {EventType::task_reopened, R"({"title":"a"})", "Field 'title' is unknown"},
      {EventType::task_deleted, "{}", "ok"},
      {EventType::task_restored, "{}", "ok"},
      {EventType::task_erased, "{}", "ok"},
  };
  for (const auto& c : kCases) EXPECT_EQ(error_of(c.type, c.json), c.error) << c.json;
}

// A canonical time has a reader of its own, which must agree with the general one in what it refuses.
TEST(EventData, TimesAreReadWithCare) {
  const auto due = [](std::string_view text) -> std::optional<Timestamp> {
    const auto event = parse_event_data(EventType::task_updated, R"({"due_date":")" + std::string(text) + "\"}");
    if (!event) return std::nullopt;
    return *std::get<TaskUpdated>(*event).patch.due_date;
  };
  EXPECT_EQ(due("1970-01-01T00:00:00Z"), Timestamp{0});
  EXPECT_EQ(due("2024-02-29T23:59:59Z"), Timestamp{1709251199000});
  EXPECT_EQ(due("9999-12-31T23:59:59Z"), Timestamp{253402300799000});
  EXPECT_EQ(due("2024-02-29T23:59:59.120Z"), Timestamp{1709251199120});
  EXPECT_EQ(due("2024-02-29"), Timestamp{1709251199000});
  for (const char* bad :
       {"2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2024-01-00T00:00:00Z",
        "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "1969-12-31T23:59:59Z",
        "2024-01-01T00:00:0xZ", "2O24-01-01T00:00:00Z", "2024-01-0/T00:00:00Z", ""}) {
    EXPECT_EQ(due(bad), std::nullopt) << bad;
  }
}

TEST(EventLine, HasTheContractsOrder) {
  const EventHeader header{{12}, {uuid(1)}, {uuid(2)}, {uuid(3)}, {4}, EventType::task_reopened, Timestamp{0}, user(5)};
  std::string line;
  append_event_line(line, header, "{}");
  EXPECT_EQ(line,
            R"({"position":12,"id":"00000000-0000-0000-0000-000000000001",)"
            R"("workspace_id":"00000000-0000-0000-0000-000000000002","task_id":"00000000-0000-0000-0000-000000000003",)"
            R"("version":4,"type":"TaskReopened","time":"1970-01-01T00:00:00Z",)"
            R"("actor":"00000000-0000-0000-0000-000000000005","data":{}})");
  std::string erased;
  append_event_line(erased, header, std::nullopt, R"(,"changes":[])");
  EXPECT_TRUE(erased.ends_with(R"("actor":"00000000-0000-0000-0000-000000000005","changes":[]})"));
  const auto read = parse_event_line(line);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->version, Version{4});
  EXPECT_EQ(read->id, EventId{uuid(1)});
  EXPECT_EQ(read->task_id, TaskId{uuid(3)});
  EXPECT_EQ(read->actor, user(5));
  EXPECT_EQ(read->event, TaskEvent{TaskReopened{}});
}

TEST(EventLine, FaultsNameTheirField) {
  const std::string id = R"("task_id":"00000000-0000-0000-0000-000000000003")";
  const std::string actor = R"("actor":")" + std::string(kUser) + '"';
  const std::string head = "{" + id + "," + actor + R"(,"time":"2020-01-01T00:00:00Z",)";
  const struct {
    std::string line;
    std::string_view error;
  } kCases[] = {
      {head + R"("type":"TaskDeleted","data":{}})", "ok"},
      {head + R"("type":"TaskDeleted","data":{},"id":null,"version":null,"position":null,"workspace_id":null})", "ok"},
      {"{", "Line must be valid JSON"},
      {"", "Line must be valid JSON"},
      {"7", "Line must be a JSON object"},
      {"{}", "Field 'task_id' is required"},
      {"{" + id + "}", "Field 'type' is required"},
      {head + R"("type":"TaskDeleted"})", "ok"},  // of an erased history
      {head + R"("type":"TaskErased"})", "Field 'data' is required"},
      {head + R"("type":"TaskDeleted","data":null})", "Field 'data' must be an object"},
      {head + R"("type":"TaskErased","data":{}})", "ok"},
      {head + R"("type":"Deleted","data":{}})",
       "Field 'type' must be one of: TaskCreated, TaskUpdated, TaskCompleted, TaskReopened, TaskDeleted, TaskRestored, "
       "TaskErased"},
      {head + R"("type":"TaskDeleted","data":{},"extra":1})", "Field 'extra' is unknown"},
      {head + R"("type":"TaskDeleted","data":{},"type":"TaskDeleted"})", "Field 'type' is given twice"},
      {head + R"("type":"TaskDeleted","data":{},"version":0})", "Field 'version' must be from 1 to 4294967295"},
      {head + R"("type":"TaskDeleted","data":{},"version":1.5})", "Field 'version' must be an integer"},
      {head + R"("type":"TaskDeleted","data":{},"position":"1"})", "Field 'position' must be an integer"},
      {head + R"("type":"TaskDeleted","data":{},"position":-1})",
       "Field 'position' must be from 1 to 18446744073709551615"},
      {head + R"("type":"TaskDeleted","data":{},"id":"x"})", "Field 'id' must be a UUID"},
      {head + R"("type":"TaskCreated","data":{"title":"a","linked_entities":[{"id":1}]}})",
       "Field 'data.linked_entities[0].id' must be a UUID"},
      {"{" + id + "," + actor + R"(,"time":"2020-01-01","type":"TaskDeleted","data":{}})",
       "Field 'time' must be a date-time (RFC 3339)"},
  };
  for (const auto& c : kCases) EXPECT_EQ(line_error(c.line), c.error) << c.line;
}

TEST(Changes, AreFromAndTo) {
  Task before;
  before.fields = titled("old");
  before.fields.priority = Priority::low;
  TaskPatch patch;
  patch.title = "new";
  patch.priority.emplace();
  patch.links = {link(1, EntityType::companies)};
  std::string out;
  append_changes_json(out, before, patch);
  EXPECT_EQ(
      out,
      R"([{"field":"title","from":"old","to":"new"},{"field":"priority","from":"low","to":null},)"
      R"({"field":"linked_entities","from":[],"to":[{"id":"00000000-0000-0000-0000-000000000001","type":"companies"}]}])");
  out.clear();
  append_changes_json(out, before, {});
  EXPECT_EQ(out, "[]");
}

}  // namespace
}  // namespace taskledger
