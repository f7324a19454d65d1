#include "core/task.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace taskledger {
namespace {

Uuid uuid(std::uint8_t last) {
  Uuid uuid;
  uuid.bytes[15] = last;
  return uuid;
}

template <class Enum>
void expect_names(std::string_view listed, std::optional<Enum> (*parse)(std::string_view) noexcept, int count) {
  int found = 0;
  while (!listed.empty()) {
    const std::size_t comma = std::min(listed.find(", "), listed.size());
    const std::string_view name = listed.substr(0, comma);
    listed.remove_prefix(std::min(comma + 2, listed.size()));
    const auto value = parse(name);
    ASSERT_TRUE(value) << name;
    EXPECT_EQ(name_of(*value), name);
    ++found;
  }
  EXPECT_EQ(found, count);
  EXPECT_FALSE(parse(""));
  EXPECT_FALSE(parse("Low"));
  EXPECT_FALSE(parse("none"));
}

TEST(TaskNames, OfEachEnumeration) {
  expect_names<Priority>(kPriorityNames, parse_priority, 3);
  expect_names<ActionType>(kActionTypeNames, parse_action_type, 5);
  expect_names<EntityType>(kEntityTypeNames, parse_entity_type, 3);
}

TEST(TaskNames, CodesSortAsTheContractSays) {
  EXPECT_LT(Priority::low, Priority::medium);
  EXPECT_LT(Priority::medium, Priority::high);
  for (int code = 1; code < 5; ++code) {
    EXPECT_LT(name_of(static_cast<ActionType>(code)), name_of(static_cast<ActionType>(code + 1)));
  }
  for (int code = 1; code < 3; ++code) {
    EXPECT_LT(name_of(static_cast<EntityType>(code)), name_of(static_cast<EntityType>(code + 1)));
  }
}

// A code that is not of the enumeration can come from a damaged row: no name, no crash.
TEST(TaskNames, ACodeOfNoMemberHasNoName) {
  EXPECT_EQ(name_of(static_cast<Priority>(0)), "");
  EXPECT_EQ(name_of(static_cast<ActionType>(200)), "");
}

TEST(Links, AreASet) {
  const Link a{{uuid(1)}, EntityType::contacts}, b{{uuid(1)}, EntityType::companies},
      c{{uuid(2)}, EntityType::contacts};
  EXPECT_TRUE(same_links({}, {}));
  EXPECT_TRUE(same_links({a, b, c}, {c, a, b}));
  EXPECT_FALSE(same_links({a}, {}));
  EXPECT_FALSE(same_links({a}, {b}));
  EXPECT_FALSE(same_links({a, b}, {a, c}));
  EXPECT_FALSE(same_links({a, b}, {a, b, c}));
}

TEST(Links, AnyOrderOfAHundredIsTheSame) {
  std::vector<Link> links;
  for (std::uint8_t i = 0; i < kMaxLinks; ++i) links.push_back({{uuid(i)}, EntityType::opportunities});
  std::vector<Link> shuffled = links;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(3));
  EXPECT_TRUE(same_links(links, shuffled));
  shuffled[50].type = EntityType::contacts;
  EXPECT_FALSE(same_links(links, shuffled));
}

TEST(Links, AreWrittenInTheOrderGiven) {
  std::string out = "x";
  append_links_json(out, {});
  EXPECT_EQ(out, "x[]");
  out.clear();
  append_links_json(out, {{{uuid(2)}, EntityType::contacts}, {{uuid(1)}, EntityType::opportunities}});
  EXPECT_EQ(out, R"([{"id":"00000000-0000-0000-0000-000000000002","type":"contacts"},)"
                 R"({"id":"00000000-0000-0000-0000-000000000001","type":"opportunities"}])");
}

TEST(TaskJson, OfABareTaskHasNulls) {
  Task task;
  task.id = {uuid(1)};
  task.fields.title = "Call \"Ann\"";
  task.created_by = {uuid(9)};
  task.created_at = {1000};
  task.updated_at = {1001};
  std::string out;
  append_task_json(out, task);
  EXPECT_EQ(out,
            R"({"id":"00000000-0000-0000-0000-000000000001","title":"Call \"Ann\"","due_date":null,"priority":null,)"
            R"("action_type":null,"is_completed":false,"completed_at":null,"completed_by":null,"assigned_to_id":null,)"
            R"("created_by":"00000000-0000-0000-0000-000000000009","created_at":"1970-01-01T00:00:01Z",)"
            R"("updated_at":"1970-01-01T00:00:01.001Z"})");
}

TEST(TaskJson, OfAFullTaskHasAllTwelveFieldsAndNoLinks) {
  Task task;
  task.id = {uuid(1)};
  task.fields = {.title = "Grüße",
                 .due_date = Timestamp{2000},
                 .priority = Priority::high,
                 .action_type = ActionType::linkedin_message,
                 .assigned_to = UserId{uuid(2)},
                 .links = {{{uuid(3)}, EntityType::contacts}}};
  task.completed_at = Timestamp{3000};
  task.completed_by = UserId{uuid(4)};
  task.created_by = {uuid(5)};
  task.created_at = {1000};
  task.updated_at = {3000};
  std::string out = "[";
  append_task_json(out, task);
  EXPECT_EQ(out, R"([{"id":"00000000-0000-0000-0000-000000000001","title":"Grüße","due_date":"1970-01-01T00:00:02Z",)"
                 R"("priority":"high","action_type":"linkedin_message","is_completed":true,)"
                 R"("completed_at":"1970-01-01T00:00:03Z","completed_by":"00000000-0000-0000-0000-000000000004",)"
                 R"("assigned_to_id":"00000000-0000-0000-0000-000000000002",)"
                 R"("created_by":"00000000-0000-0000-0000-000000000005","created_at":"1970-01-01T00:00:01Z",)"
                 R"("updated_at":"1970-01-01T00:00:03Z"})");
}

}  // namespace
}  // namespace taskledger
