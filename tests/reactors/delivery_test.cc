#include "reactors/delivery.h"

#include <gtest/gtest.h>

#include "tests/reactors/fixture.h"

namespace taskledger::reactors {
namespace {

const WebhookId kWebhook{*parse_uuid("0190a000-0000-7000-8000-000000000001")};

TEST(Delivery, RowsKeepEverything) {
  Delivery delivery{.number = 77,
                    .kind = DeliveryKind::held,
                    .type = EventType::task_deleted,
                    .task = task_number(5),
                    .event = {task_number(6).value},
                    .time = {123},
                    .attempts = 4,
                    .due = {456},
                    .last_attempt = {400},
                    .status = 503,
                    .error = "answered 503"};
  EXPECT_EQ(decode(encode(delivery)), delivery);
  EXPECT_EQ(decode(""), std::nullopt);
  EXPECT_EQ(decode(encode(delivery).substr(0, 40)), std::nullopt);
}

TEST(Delivery, MessageIdsAreStableAndSayWhereTheyStand) {
  Delivery delivery;
  delivery.number = 1234;
  delivery.event = {task_number(6).value};
  const std::string id = message_id(kWebhook, delivery);
  delivery.attempts = 9;
  EXPECT_EQ(message_id(kWebhook, delivery), id);
  EXPECT_EQ(parse_message_id(id), 1234u);
  EXPECT_EQ(id.find('.'), id.npos);  // dots part what is signed
  delivery.number = kPingBit | 5;
  EXPECT_EQ(parse_message_id(message_id(kWebhook, delivery)), kPingBit | 5);
  for (const char* bad : {"", "msg_", "msg_0123", "1234"}) EXPECT_EQ(parse_message_id(bad), std::nullopt);
  EXPECT_EQ(parse_message_id(id + "x"), std::nullopt);
  const std::string hash = id.substr(0, id.find('_', 4) + 1);
  for (const char* bad : {"0", "00", "01234", "p0", "p05", "p", "-1", "18446744073709551615", "99999999999999999999"})
    EXPECT_EQ(parse_message_id(hash + bad), std::nullopt) << bad;
}

TEST(Delivery, BodyIsTypeTimeAndEventLine) {
  LogFixture fixture([] { return Timestamp{1'700'000'000'000}; });
  fixture.add(1);
  std::string body;
  ASSERT_TRUE(fixture.log->read_workspace(kWorkspace, {0}, [&](const storage::Record& record) {
    EXPECT_TRUE(is_deliverable(record, WebhookTypes::all()));
    body = event_body(record, kWorkspaceId);
    return true;
  }));
  EXPECT_EQ(body, R"({"type":"task.created","timestamp":"2023-11-14T22:13:20Z","data":{"position":1,"id":")" +
                      to_string(derived_event_id(kWorkspaceId, task_number(1), {1})) + R"(","workspace_id":")" +
                      to_string(kWorkspaceId) + R"(","task_id":")" + to_string(task_number(1)) +
                      R"(","version":1,"type":"TaskCreated","time":"2023-11-14T22:13:20Z","actor":")" +
                      to_string(kActor) + R"(","data":{"title":"task 1"}}})");
}

}  // namespace
}  // namespace taskledger::reactors
