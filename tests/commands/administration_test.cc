#include "commands/administration.h"

#include "tests/commands/fixture.h"

namespace taskledger::commands::test {
namespace {

TEST(Administration, ATokensSecretIsShownAndOnlyItsHashStored) {
  std::uint8_t next = 0;
  Token token;
  token.workspace = WorkspaceNumber{3};
  token.user = UserId{uuid_of(7)};
  token.scopes = *parse_scopes("tasks:read,admin");
  const auto made = make_token(
      token, [] { return kStart; },
      [&](std::span<std::uint8_t> bytes) {
        for (auto& byte : bytes) byte = next++;
      });
  EXPECT_EQ(made.token.secret, "ksr_CgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCk");
  ASSERT_EQ(made.commit.records.size(), 1u);
  EXPECT_EQ(made.commit.workspace, kSystemWorkspace);
  EXPECT_EQ(made.commit.records[0].payload.find(made.token.secret), std::string::npos);
  const auto event = parse_system_payload(made.commit.records[0].payload, made.commit.records[0].stream, kStart);
  ASSERT_TRUE(event);
  const auto& read = std::get<TokenCreated>(*event).token;
  EXPECT_EQ(read.hash, hash_token(made.token.secret));
  EXPECT_EQ(read.id, made.token.id);
  EXPECT_EQ(read.workspace, token.workspace);
  EXPECT_EQ(read.user, token.user);
  EXPECT_EQ(read.scopes, token.scopes);
}

TEST(Administration, ATokenIsRevokedOnce) {
  auto log = storage::make_memory_event_log([] { return kStart; });
  const auto made = make_token(
      Token{}, [] { return kStart; }, [](std::span<std::uint8_t>) {});
  ASSERT_TRUE(append_and_wait(*log, made.commit));
  EXPECT_TRUE(append_and_wait(*log, revoke_token(made.token.id, UserId{})));
  const auto again = append_and_wait(*log, revoke_token(made.token.id, UserId{}));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), storage::AppendError::conflict);
}

TEST(Administration, WorkspaceNames) {
  EXPECT_EQ(*check_workspace_name("  Help desk "), "Help desk");
  EXPECT_TRUE(check_workspace_name(std::string(100, 'x')));
  EXPECT_EQ(check_workspace_name(std::string(101, 'x')).error().message,
            "A workspace's name must have 1 to 100 characters");
  EXPECT_EQ(check_workspace_name("  ").error().message, "A workspace's name must have 1 to 100 characters");
  EXPECT_EQ(check_workspace_name("a\nb").error().message, "A workspace's name must not contain control characters");
  EXPECT_EQ(check_workspace_name("\xff").error().message, "A workspace's name must be valid UTF-8");
  const auto commit = make_workspace("x", WorkspaceNumber{4}, UserId{});
  EXPECT_EQ(commit.records[0].stream, workspace_id_of("x").value);
}

}  // namespace
}  // namespace taskledger::commands::test
