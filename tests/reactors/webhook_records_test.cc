#include <gtest/gtest.h>

#include "core/webhook.h"

namespace taskledger {
namespace {

TEST(WebhookRecords, RoundTrip) {
  WebhookCreated created{.workspace = {7},
                         .workspace_id = {*parse_uuid("0190a000-0000-7000-8000-00000000000a")},
                         .url = "https://example.com/\"x\"",
                         .types = {},
                         .sealed_secret = std::string("\0\xff secret", 9),
                         .after = {12}};
  created.types.add(EventType::task_completed);
  const std::string payload = webhook_payload(created);
  const auto parsed = parse_webhook_payload(payload);
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_TRUE(std::holds_alternative<WebhookCreated>(*parsed));
  EXPECT_EQ(webhook_payload(*parsed), payload);
  EXPECT_EQ(std::get<WebhookCreated>(*parsed).sealed_secret, created.sealed_secret);
  for (const WebhookEvent& event :
       {WebhookEvent(WebhookDeleted{}), WebhookEvent(WebhookPaused{"why"}), WebhookEvent(WebhookResumed{}),
        WebhookEvent(WebhookSecretRotated{"abc"}), WebhookEvent(WebhookReplayRequested{{9}})}) {
    const auto again = parse_webhook_payload(webhook_payload(event));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->index(), event.index());
    EXPECT_EQ(webhook_payload(*again), webhook_payload(event));
  }
}

TEST(WebhookRecords, OthersAreSkippedAndDamagedOnesNamed) {
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*parse_webhook_payload(R"({"type":"TokenRevoked"})")));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*parse_webhook_payload(R"({"type":"WebhookOfTomorrow"})")));
  EXPECT_FALSE(parse_webhook_payload(R"({"type":"WebhookCreated","workspace":1})"));
  EXPECT_FALSE(parse_webhook_payload(R"({"type":"WebhookSecretRotated","secret":"x"})"));
}

TEST(WebhookRequest, WhatIsRefused) {
  const auto message = [](const char* json) {
    const auto r = parse_webhook_request(json);
    return r ? std::string("accepted") : r.error().message;
  };
  EXPECT_EQ(message("{}"), "Field 'url' is required");
  EXPECT_EQ(message(R"({"url":"http://a","types":["task.made"]})"),
            "Field 'types[0]' must be one of: task.created, task.updated, task.completed, task.reopened, task.deleted, "
            "task.restored");
  EXPECT_EQ(message(R"({"url":"http://a","types":["task.created","task.created"]})"),
            "Field 'types[1]' is given twice");
  EXPECT_EQ(message(R"({"url":"http://a","types":[]})"), "Field 'types' must name at least one type");
  EXPECT_EQ(message(R"({"url":"http://a","types":"task.created"})"), "Field 'types' must be an array");
  EXPECT_EQ(message(R"({"url":"http://a","name":1})"), "Field 'name' is unknown");
  EXPECT_EQ(message(R"({"url":"http://a","types":null})"), "accepted") << "null is as if absent";
  EXPECT_EQ(message(R"({"url":null})"), "Field 'url' is required");
  EXPECT_EQ(parse_replay_request(R"({"after":3})")->value, 3u);
  for (const char* bad : {"{}", R"({"after":-1})", R"({"after":"3"})", R"({"after":1.5})", R"({"after":null})"})
    EXPECT_FALSE(parse_replay_request(bad)) << bad;
  EXPECT_EQ(parse_replay_request(R"({"after":null})").error().message, "Field 'after' is required");
}

}  // namespace
}  // namespace taskledger
