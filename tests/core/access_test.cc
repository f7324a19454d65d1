#include "core/access.h"

#include <gtest/gtest.h>

#include <random>

namespace taskledger {
namespace {

constexpr Uuid kStream{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

Scopes scopes(std::string_view text) {
  const auto parsed = parse_scopes(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Scopes{});
}

Token token() {
  Token token;
  token.id = {kStream};
  for (std::size_t i = 0; i < token.hash.size(); ++i) token.hash[i] = static_cast<std::uint8_t>(i * 8);
  token.workspace = {7};
  token.user.value.bytes[0] = 0xab;
  token.scopes = scopes("tasks:read,admin");
  token.zone = TimeZone::load("Europe/Paris").value();
  token.expires_at = Timestamp{1'742'029'200'000};
  token.created_at = {42};
  return token;
}

constexpr std::string_view kTokenPayload =
    R"({"type":"TokenCreated","workspace":7,"user":"ab000000-0000-0000-0000-000000000000",)"
    R"("hash":"0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8","scopes":["tasks:read","admin"],)"
    R"("timezone":"Europe/Paris","expires_at":"2025-03-15T09:00:00Z"})";

Result<SystemEvent> parse(std::string_view json) { return parse_system_payload(json, kStream, {42}); }

TEST(Scopes, AreReadFromAList) {
  const Scopes all = scopes("tasks:read,tasks:write,audit:read,admin,operator");
  EXPECT_EQ(all.bits, 31);
  EXPECT_TRUE(scopes("audit:read").has(Scope::audit_read));
  EXPECT_FALSE(scopes("audit:read").has(Scope::tasks_read));
  EXPECT_EQ(scopes("admin,tasks:read,admin"), scopes("tasks:read,admin"));
  for (const std::string_view text :
       {"", ",", "tasks:read,", ",admin", "tasks", "Admin", "tasks:read, admin", "tasks:read,root"}) {
    EXPECT_FALSE(parse_scopes(text)) << text;
  }
}

TEST(Scopes, HaveTheNamesListed) {
  std::string listed;
  for (const Scope scope : {Scope::tasks_read, Scope::tasks_write, Scope::audit_read, Scope::admin, Scope::operator_}) {
    listed += listed.empty() ? "" : ", ";
    listed += name_of(scope);
    EXPECT_EQ(parse_scope(name_of(scope)), scope);
  }
  EXPECT_EQ(listed, kScopeNames);
}

TEST(Scopes, AreWrittenInTheirOrder) {
  std::string out;
  append_scopes_json(out, scopes("operator,tasks:write,tasks:read"));
  EXPECT_EQ(out, R"(["tasks:read","tasks:write","operator"])");
  out.clear();
  append_scopes_json(out, Scopes{});
  EXPECT_EQ(out, "[]");
}

TEST(SystemPayload, OfAWorkspace) {
  const std::string json = system_payload(WorkspaceCreated{{3}, "Ann \"&\" Bo"});
  EXPECT_EQ(json, R"({"type":"WorkspaceCreated","number":3,"name":"Ann \"&\" Bo"})");
  const auto event = parse(json);
  ASSERT_TRUE(event);
  const auto* created = std::get_if<WorkspaceCreated>(&*event);
  ASSERT_TRUE(created);
  EXPECT_EQ(created->number, WorkspaceNumber{3});
  EXPECT_EQ(created->name, "Ann \"&\" Bo");
}

TEST(SystemPayload, OfAToken) {
  EXPECT_EQ(system_payload(TokenCreated{token()}), kTokenPayload);
  const auto event = parse(kTokenPayload);
  ASSERT_TRUE(event) << event.error().message;
  const auto* created = std::get_if<TokenCreated>(&*event);
  ASSERT_TRUE(created);
  const Token expected = token();
  EXPECT_EQ(created->token.id, expected.id);
  EXPECT_EQ(created->token.hash, expected.hash);
  EXPECT_EQ(created->token.workspace, expected.workspace);
  EXPECT_EQ(created->token.user, expected.user);
  EXPECT_EQ(created->token.scopes, expected.scopes);
  EXPECT_EQ(created->token.zone.name(), "Europe/Paris");
  EXPECT_EQ(created->token.expires_at, expected.expires_at);
  EXPECT_EQ(created->token.created_at, expected.created_at);
}

TEST(SystemPayload, OfATokenWithoutExpiry) {
  Token forever = token();
  forever.expires_at.reset();
  const std::string json = system_payload(TokenCreated{forever});
  EXPECT_TRUE(json.ends_with(R"("expires_at":null})")) << json;
  const auto event = parse(json);
  ASSERT_TRUE(event);
  EXPECT_FALSE(std::get<TokenCreated>(*event).token.expires_at);
}

TEST(SystemPayload, OfARevocation) {
  EXPECT_EQ(system_payload(TokenRevoked{}), R"({"type":"TokenRevoked"})");
  const auto event = parse(R"({"type":"TokenRevoked"})");
  ASSERT_TRUE(event);
  EXPECT_TRUE(std::holds_alternative<TokenRevoked>(*event));
}

TEST(SystemPayload, OfALaterVersionIsSkipped) {
  const auto unknown = parse(R"({"type":"WebhookCreated","url":"https://example.com"})");
  ASSERT_TRUE(unknown);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*unknown));
  EXPECT_TRUE(parse(R"({"type":"TokenRevoked","reason":"lost"})"));
}

TEST(SystemPayload, KeepsATokenWhoseZoneIsGone) {
  std::string json(kTokenPayload);
  json.replace(json.find("Europe/Paris"), 12, "Europe/Gone!");
  const auto event = parse(json);
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<TokenCreated>(*event).token.zone.name(), "UTC");
}

TEST(SystemPayload, DamagedIsInvalidAndNamed) {
  for (const std::string_view json :
       {"", "{", "[]", "1", "{}", R"({"type":1})", R"({"type":"WorkspaceCreated"})",
        R"({"type":"WorkspaceCreated","number":-1,"name":"x"})",
        R"({"type":"WorkspaceCreated","number":4294967296,"name":"x"})",
        R"({"type":"WorkspaceCreated","number":1,"name":null})", R"({"type":"TokenCreated"})"}) {
    const auto event = parse(json);
    ASSERT_FALSE(event) << json;
    EXPECT_FALSE(event.error().message.empty());
  }
  const std::vector<std::array<std::string, 3>> damages{
      {"\"workspace\":7", "\"workspace\":\"7\"", "'workspace'"},
      {"ab000000-", "ab00000-", "'user'"},
      {"00081018", "0008101", "'hash'"},
      {"00081018", "0008101g", "'hash'"},
      {"[\"tasks:read\",", "[\"tasks:gone\",", "'scopes'"},
      {"[\"tasks:read\",", "[1,", "'scopes'"},
      {"\"Europe/Paris\"", "null", "'timezone'"},
      {"2025-03-15T09:00:00Z", "2025-03-15", "'expires_at'"},
      {"\"2025-03-15T09:00:00Z\"", "5", "'expires_at'"},
      {"expires_at", "expires", "'expires_at'"},
  };
  for (const auto& [from, to, named] : damages) {
    std::string json(kTokenPayload);
    json.replace(json.find(from), from.size(), to);
    const auto event = parse(json);
    ASSERT_FALSE(event) << json;
    EXPECT_NE(event.error().message.find(named), std::string::npos) << event.error().message;
  }
}

TEST(SystemPayload, NothingCrashesTheReader) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 10'000; ++round) {
    std::string json(kTokenPayload);
    for (std::size_t changes = 1 + random() % 4; changes > 0; --changes) {
      json[random() % json.size()] = static_cast<char>(random());
    }
    (void)parse(json.substr(0, random() % 2 ? json.size() : random() % json.size()));
  }
}

}  // namespace
}  // namespace taskledger
