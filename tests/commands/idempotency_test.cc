#include "commands/kept_answer.h"
#include "tests/commands/fixture.h"

namespace taskledger::commands::test {
namespace {

class IdempotencyTest : public CommandTest {
 protected:
  static CommandHandler::Request keyed(CommandHandler::Request request, std::string key, std::uint8_t hash = 1) {
    request.idempotency = IdempotencyKey{std::move(key), storage::Hash{hash}};
    return request;
  }
};

TEST_F(IdempotencyTest, TheSameRequestIsAnsweredAgainAndWritesNothing) {
  EXPECT_EQ(run(keyed(request(create("one")), "k")), "created v1");
  const auto task = (*last)->tasks.front();
  EXPECT_EQ(run(keyed(request(create("one")), "k")), "created v1 again");
  EXPECT_EQ((*last)->tasks.front(), task);
  EXPECT_EQ((*last)->in_workspace, WorkspacePosition{1});
  EXPECT_EQ(run(keyed(request(create("one")), "k", 2)), "key_reused");
  EXPECT_EQ(memory->head().position, Position{1});
}

TEST_F(IdempotencyTest, AKeptAnswerComesBeforeExistenceAndPreconditions) {
  const auto task = make("one");
  EXPECT_EQ(run(keyed(request(DeleteTask{}, task), "k")), "deleted v2");
  EXPECT_EQ(run(keyed(request(DeleteTask{}, task), "k")), "deleted v2 again");
  auto matched = request(retitle("x"), make("two"));
  matched.if_match = IfMatch{false, {Version{1}}};
  EXPECT_EQ(run(keyed(matched, "m")), "updated v2");
  EXPECT_EQ(run(keyed(matched, "m")), "updated v2 again");
}

TEST_F(IdempotencyTest, KeysOutliveTheHandler) {
  EXPECT_EQ(run(keyed(request(create("one")), "k")), "created v1");
  handler = make_command_handler(
      log, [this] { return now; }, [](std::span<std::uint8_t>) {});
  EXPECT_EQ(run(keyed(request(create("one")), "k")), "created v1 again");
}

TEST_F(IdempotencyTest, SuccessesThatChangeNothingAreKeptAndErrorsAreNot) {
  const auto task = make("one");
  EXPECT_EQ(run(keyed(request(CompleteTask{false}, task), "k")), "reopened v1");
  EXPECT_EQ(run(CompleteTask{true}, task), "completed v2");
  EXPECT_EQ(run(keyed(request(CompleteTask{false}, task), "k")), "reopened v1 again");
  EXPECT_EQ(stream(task), "TaskCreated TaskCompleted");

  EXPECT_EQ(run(keyed(request(retitle("x"), TaskId{uuid_of(9)}), "e")), "not_found");
  EXPECT_EQ(run(keyed(request(create("two")), "e", 2)), "created v1");
}

TEST_F(IdempotencyTest, TheSecondWaitsForNobody) {
  log.held = true;
  auto first = start(keyed(request(create("one")), "k"));
  EXPECT_EQ(run(keyed(request(create("one")), "k")), "key_in_flight");
  EXPECT_EQ(run(keyed(request(create("one")), "k", 2)), "key_reused");
  log.release();
  EXPECT_EQ(show(**first), "created v1");
  EXPECT_EQ(run(keyed(request(create("one")), "k")), "created v1 again");
}

TEST_F(IdempotencyTest, AnotherUserAndAnotherWorkspaceHaveTheirOwnKeys) {
  EXPECT_EQ(run(keyed(request(create("one")), "k")), "created v1");
  auto theirs = keyed(request(create("one")), "k", 2);
  theirs.caller.user = UserId{uuid_of(8)};
  EXPECT_EQ(run(theirs), "created v1");
  auto elsewhere = keyed(request(create("one")), "k", 3);
  elsewhere.caller.workspace = WorkspaceNumber{2};
  EXPECT_EQ(run(elsewhere), "created v1");
}

TEST_F(IdempotencyTest, ADayLaterTheKeyIsForgotten) {
  EXPECT_EQ(run(keyed(request(create("one")), "k")), "created v1");
  now.ms += kKeptForMs - 1;
  EXPECT_EQ(run(keyed(request(create("one")), "k")), "created v1 again");
  now.ms += 1;
  EXPECT_EQ(run(keyed(request(create("one")), "k", 2)), "created v1");
}

TEST_F(IdempotencyTest, BatchesAreKeptWhole) {
  CommandHandler::Request batch;
  batch.caller = kCaller;
  batch.batch = true;
  batch.records.push_back({std::nullopt, create("a")});
  batch.records.push_back({std::nullopt, create("b")});
  EXPECT_EQ(run(keyed(batch, "k")), "created v1, created v1");
  const auto tasks = (*last)->tasks;
  EXPECT_EQ(run(keyed(batch, "k")), "created v1, created v1 again");
  EXPECT_EQ((*last)->tasks, tasks);
}

TEST(KeptAnswer, ReadsWhatItWrote) {
  KeptAnswer answer{kStart, storage::Hash{3}, {}};
  answer.tasks.push_back({TaskId{uuid_of(1)}, Action::undone, Version{7}, EventId{uuid_of(2)}});
  answer.tasks.push_back({TaskId{uuid_of(3)}, Action::deleted, Version{70'000}, std::nullopt});
  const auto bytes = encode(answer);
  const auto read = decode_kept(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->expires, answer.expires);
  EXPECT_EQ(read->request, answer.request);
  EXPECT_EQ(read->tasks, answer.tasks);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_kept(bytes.substr(0, size))) << size;
  EXPECT_FALSE(decode_kept(bytes + "x"));
  EXPECT_FALSE(decode_kept("\2" + bytes.substr(1)));
}

}  // namespace
}  // namespace taskledger::commands::test
