#include "commands/task_stream.h"
#include "tests/commands/fixture.h"

namespace taskledger::commands::test {
namespace {

TEST_F(CommandTest, CreatesWithATimeOrderedId) {
  const auto task = make("Call back");
  EXPECT_EQ(task.value.bytes[6] >> 4, 7);
  EXPECT_EQ(stream(task), "TaskCreated");
  EXPECT_EQ((*last)->position, Position{1});
  EXPECT_EQ((*last)->in_workspace, WorkspacePosition{1});
}

TEST_F(CommandTest, WalksThroughALife) {
  const auto task = make("one");
  EXPECT_EQ(run(retitle("two"), task), "updated v2");
  EXPECT_EQ(run(retitle("two"), task), "updated v2") << "already so: nothing is appended";
  EXPECT_EQ(run(CompleteTask{true}, task), "completed v3");
  EXPECT_EQ(run(CompleteTask{true}, task), "completed v3");
  EXPECT_EQ(run(CompleteTask{false}, task), "reopened v4");
  EXPECT_EQ(run(RestoreTask{}, task), "not_deleted");
  EXPECT_EQ(run(EraseTask{}, task), "not_deleted");
  EXPECT_EQ(run(DeleteTask{}, task), "deleted v5");
  EXPECT_EQ(run(DeleteTask{}, task), "not_found");
  EXPECT_EQ(run(retitle("three"), task), "not_found");
  EXPECT_EQ(run(RestoreTask{}, task), "restored v6");
  EXPECT_EQ(run(DeleteTask{}, task), "deleted v7");
  EXPECT_EQ(run(EraseTask{}, task), "erased v8");
  EXPECT_EQ(run(EraseTask{}, task), "erased v8") << "asked again";
  EXPECT_EQ(run(RestoreTask{}, task), "erased");
  EXPECT_EQ(run(UndoEvent{}, task), "erased");
  EXPECT_EQ(run(retitle("x"), TaskId{uuid_of(99)}), "not_found");
  EXPECT_EQ(stream(task),
            "TaskCreated TaskUpdated TaskCompleted TaskReopened TaskDeleted TaskRestored TaskDeleted TaskErased");
}

// What it held may still be on its way out of the files: the log answers, or nobody.
TEST_F(CommandTest, AnErasureThatIsAskedAgainIsTheLogsToAnswer) {
  const auto task = make("one");
  run(DeleteTask{}, task);
  auto first = request(EraseTask{}, task);
  first.idempotency = IdempotencyKey{"k", {}};
  EXPECT_EQ(run(first), "erased v3");
  log.held = true;
  const auto again = start(request(EraseTask{}, task));
  EXPECT_FALSE(again->has_value());
  log.release();
  EXPECT_EQ(show(**again), "erased v3");
  EXPECT_EQ(run(first), "erased v3 again");
  log.refuse = storage::AppendError::unavailable;
  log.failed = "the disk";
  EXPECT_EQ(run(EraseTask{}, task), "unavailable");
  EXPECT_EQ(run(first), "unavailable") << "its answer is kept, its purge may have failed";
  EXPECT_EQ(stream(task), "TaskCreated TaskDeleted TaskErased");
}

TEST_F(CommandTest, LoadsFromTheLogWhatTheCacheHasNot) {
  const auto task = make("one");
  EXPECT_EQ(log.stream_reads, 0u);
  handler = make_command_handler(
      log, [this] { return now; }, [](std::span<std::uint8_t>) {}, {.cached_tasks = 1});
  EXPECT_EQ(run(retitle("two"), task), "updated v2");
  EXPECT_EQ(log.stream_reads, 1u);
  EXPECT_EQ(run(retitle("three"), task), "updated v3");
  EXPECT_EQ(log.stream_reads, 1u) << "kept";
}

TEST_F(CommandTest, ReadsLongStreamsAside) {
  const auto task = make("one"), another = make("one");
  for (int i = 0; i < 300; ++i) (void)run(retitle(std::to_string(i)), task);
  std::vector<std::function<void()>> aside, dropped;
  bool room = true;
  const auto with_nothing_cached = [&] {
    CommandHandlerOptions options;
    options.aside = [&](std::function<void()> job, std::function<void()> drop) {
      if (room) aside.push_back(std::move(job)), dropped.push_back(std::move(drop));
      return room;
    };
    handler = make_command_handler(
        log, [this] { return now; }, [](std::span<std::uint8_t>) {}, std::move(options));
  };
  with_nothing_cached();
  EXPECT_EQ(run(retitle("two"), another), "updated v2");
  EXPECT_TRUE(aside.empty());
  for (const TaskCommand& command :
       {TaskCommand(retitle("two")), TaskCommand(UndoEvent{}), TaskCommand(DeleteTask{}), TaskCommand(RestoreTask{})}) {
    with_nothing_cached();
    std::optional<Result<Outcome, Failure>> answer;
    handler->execute(request(command, task), [&](Result<Outcome, Failure> given) { answer = std::move(given); });
    EXPECT_FALSE(answer);
    ASSERT_EQ(aside.size(), 1u);
    aside.front()();
    aside.clear();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->has_value());
  }
  with_nothing_cached();
  std::optional<Result<Outcome, Failure>> answer;
  handler->execute(request(retitle("three"), task), [&](Result<Outcome, Failure> given) { answer = std::move(given); });
  ASSERT_FALSE(answer);
  dropped.back()();  // the server stops
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<Fault>(answer->error().why), Fault::busy);
  with_nothing_cached();
  room = false;
  EXPECT_EQ(run(retitle("three"), task), "busy");
}

TEST_F(CommandTest, IfMatchComesAfterExistenceAndBeforeConflicts) {
  const auto task = make("one");
  auto with = [&](TaskCommand command, const TaskId& id, std::vector<Version> versions, bool any = false) {
    auto r = request(std::move(command), id);
    r.if_match = IfMatch{any, std::move(versions)};
    return run(std::move(r));
  };
  EXPECT_EQ(with(retitle("two"), task, {Version{2}}), "precondition_failed");
  EXPECT_EQ(with(retitle("two"), task, {}), "precondition_failed");
  EXPECT_EQ(with(retitle("two"), task, {Version{9}, Version{1}}), "updated v2");
  EXPECT_EQ(with(retitle("three"), task, {}, true), "updated v3");
  EXPECT_EQ(with(retitle("two"), TaskId{uuid_of(9)}, {}, true), "not_found");
  EXPECT_EQ(with(RestoreTask{}, task, {Version{1}}), "precondition_failed");
  EXPECT_EQ(with(RestoreTask{}, task, {Version{3}}), "not_deleted");
}

TEST_F(CommandTest, UndoTakesBackAndNamesItsEvent) {
  const auto task = make("one");
  EXPECT_EQ(run(retitle("two"), task), "updated v2");
  EXPECT_EQ(run(UndoEvent{}, task), "undone v3");
  EXPECT_EQ((*last)->tasks.front().event, derived_event_id(kCaller.workspace_id, task, Version{3}));
  EXPECT_EQ(run(UndoEvent{derived_event_id(kCaller.workspace_id, task, Version{2})}, task), "superseded");
  EXPECT_EQ(run(UndoEvent{EventId{uuid_of(1)}}, task), "event_not_found");
  EXPECT_EQ(run(UndoEvent{}, TaskId{uuid_of(9)}), "not_found");
  EXPECT_EQ(run(UndoEvent{derived_event_id(kCaller.workspace_id, task, Version{1})}, task), "superseded");
  EXPECT_EQ(stream(task), "TaskCreated TaskUpdated TaskUpdated");
  const auto other = make("one");
  EXPECT_EQ(run(UndoEvent{derived_event_id(kCaller.workspace_id, other, Version{1})}, other), "undone v2");
  EXPECT_EQ(stream(other), "TaskCreated TaskDeleted");
}

TEST_F(CommandTest, ABatchIsOneCommitInWhichRecordsSeeEachOther) {
  const auto task = make("one");
  CommandHandler::Request batch;
  batch.caller = kCaller;
  batch.batch = true;
  batch.records.push_back({task, retitle("two")});
  batch.records.push_back({task, retitle("three")});
  batch.records.push_back({task, retitle("three")});
  const auto before = log.appends;
  EXPECT_EQ(run(batch), "updated v2, updated v3, updated v3");
  EXPECT_EQ(log.appends, before + 1);
  EXPECT_EQ(stream(task), "TaskCreated TaskUpdated TaskUpdated");
}

TEST_F(CommandTest, ABadRecordOfABatchLeavesNothingBehind) {
  const auto task = make("one");
  CommandHandler::Request batch;
  batch.caller = kCaller;
  batch.batch = true;
  batch.records.push_back({task, DeleteTask{}});
  batch.records.push_back({task, DeleteTask{}});
  EXPECT_EQ(run(batch), "not_found [1]");
  EXPECT_EQ(stream(task), "TaskCreated");
  EXPECT_EQ(run(retitle("two"), task), "updated v2") << "the cache kept no state of the failed batch";
}

TEST_F(CommandTest, CommandsOnOneTaskShareAGroupCommit) {
  const auto task = make("one");
  log.held = true;
  auto first = start(request(retitle("two"), task));
  auto second = start(request(retitle("three"), task));
  auto third = start(request(CompleteTask{true}, task));
  EXPECT_EQ(log.waiting(), 3u) << "none waited for the one before it";
  log.release();
  EXPECT_EQ(show(**first) + "; " + show(**second) + "; " + show(**third), "updated v2; updated v3; completed v4");
}

TEST_F(CommandTest, WhatAppendsNothingWaitsForWhatItRestsOn) {
  const auto task = make("one");
  log.held = true;
  auto removal = start(request(DeleteTask{}, task));
  auto again = start(request(DeleteTask{}, task));
  EXPECT_FALSE(again->has_value()) << "the deletion is not durable yet";
  log.release();
  EXPECT_EQ(show(**removal) + "; " + show(**again), "deleted v2; not_found");
  EXPECT_EQ(stream(task), "TaskCreated TaskDeleted");

  const auto other = make("other");
  log.held = true;
  auto done = start(request(CompleteTask{true}, other));
  auto same = start(request(CompleteTask{true}, other));
  EXPECT_FALSE(same->has_value());
  log.release();
  EXPECT_EQ(show(**done) + "; " + show(**same), "completed v2; completed v2");
  EXPECT_EQ((**same)->position, (**done)->position);
}

TEST_F(CommandTest, UndoWaitsForWhatIsUnderWay) {
  const auto task = make("one");
  log.held = true;
  auto update = start(request(retitle("two"), task));
  auto undo = start(request(UndoEvent{}, task));
  EXPECT_FALSE(undo->has_value());
  log.release();
  EXPECT_EQ(show(**update) + "; " + show(**undo), "updated v2; undone v3");
}

TEST_F(CommandTest, WhatIsErasedIsKnownAsSuchFromTheLogAlone) {
  const auto task = make("one");
  EXPECT_EQ(run(DeleteTask{}, task), "deleted v2");
  EXPECT_EQ(run(EraseTask{}, task), "erased v3");
  for (const TaskCommand& command :
       {TaskCommand(RestoreTask{}), TaskCommand(UndoEvent{}), TaskCommand(RestoreTask{})}) {
    handler = make_command_handler(
        log, [this] { return now; }, [](std::span<std::uint8_t>) {}, {});
    EXPECT_EQ(run(command, task), "erased");
  }
}

// Where the answer of what was under way comes: on a thread that others wait for.
TEST_F(CommandTest, AnUndoOfALongHistoryIsDecidedAside) {
  const auto task = make("one");
  for (int i = 0; i < 300; ++i) (void)run(retitle(std::to_string(i)), task);
  std::vector<std::function<void()>> aside;
  CommandHandlerOptions options;
  options.aside = [&](std::function<void()> job, const std::function<void()>&) {
    aside.push_back(std::move(job));
    return true;
  };
  handler = make_command_handler(
      log, [this] { return now; }, [](std::span<std::uint8_t>) {}, std::move(options));
  const auto run_aside = [&] {
    ASSERT_EQ(aside.size(), 1u);
    std::exchange(aside, {}).front()();
  };
  auto loading = start(request(retitle("known"), task));
  run_aside();
  ASSERT_TRUE(loading->has_value());
  log.held = true;
  auto update = start(request(retitle("under way"), task));
  auto undo = start(request(UndoEvent{}, task));
  run_aside();
  log.release();
  EXPECT_TRUE(update->has_value());
  EXPECT_FALSE(undo->has_value());
  run_aside();
  ASSERT_TRUE(undo->has_value());
  EXPECT_EQ(show(**undo), "undone v304");
}

// Times in the cache are those of decisions; what goes along with a restoration must be what a fold of the log gives.
TEST_F(CommandTest, ARestoredTaskGoesAlongAsTheLogHasIt) {
  std::vector<std::pair<Version, Task>> came;
  log.observe([&](std::span<const storage::Record> records) {
    for (const storage::Record& record : records) {
      if (record.type != static_cast<std::uint8_t>(EventType::task_restored)) continue;
      ASSERT_NE(record.before, nullptr);
      came.emplace_back(record.version, *record.before);
    }
  });
  const auto committed_later = [&](TaskCommand command, std::optional<TaskId> task = std::nullopt) {
    log.held = true;
    auto answer = start(request(std::move(command), task));
    now.ms += 5;
    log.release();
    now.ms += 5;
    EXPECT_TRUE(answer->has_value() && (*answer)->has_value());
    return (**answer)->tasks.front().task;
  };
  const TaskId task = committed_later(create("one"));
  committed_later(CompleteTask{true}, task);
  committed_later(DeleteTask{}, task);
  committed_later(RestoreTask{}, task);
  committed_later(retitle("two"), task);
  committed_later(DeleteTask{}, task);
  committed_later(UndoEvent{}, task);
  ASSERT_EQ(came.size(), 2u);
  for (const auto& [version, before] : came) {
    const auto folded =
        fold_task(*memory, kCaller.workspace, task, [&](const auto& record) { return record.version < version; });
    ASSERT_TRUE(folded.has_value());
    EXPECT_EQ(before, *folded) << version.value;
  }
}

TEST_F(CommandTest, ARestorationWaitsForTheDeletionUnderWay) {
  const auto task = make("one");
  log.held = true;
  auto deletion = start(request(DeleteTask{}, task));
  auto restoration = start(request(RestoreTask{}, task));
  EXPECT_FALSE(restoration->has_value());
  log.release();
  EXPECT_EQ(show(**deletion) + "; " + show(**restoration), "deleted v2; restored v3");
}

TEST_F(CommandTest, AConflictIsDecidedAgain) {
  const auto task = make("one");
  auto other = make_command_handler(
      *memory, [this] { return now; }, [](std::span<std::uint8_t>) {});
  log.before_append = [&] {
    other->execute(request(retitle("theirs"), task), [](Answer answer) { ASSERT_TRUE(answer); });
  };
  EXPECT_EQ(run(CompleteTask{true}, task), "completed v3");
  EXPECT_EQ(stream(task), "TaskCreated TaskUpdated TaskCompleted");
}

TEST_F(CommandTest, ARaceWithIfMatchHasOneWinner) {
  const auto task = make("one");
  auto other = make_command_handler(
      *memory, [this] { return now; }, [](std::span<std::uint8_t>) {});
  log.before_append = [&] {
    other->execute(request(retitle("theirs"), task), [](Answer answer) { ASSERT_TRUE(answer); });
  };
  auto mine = request(retitle("mine"), task);
  mine.if_match = IfMatch{false, {Version{1}}};
  EXPECT_EQ(run(std::move(mine)), "precondition_failed");
}

TEST_F(CommandTest, AFailedCommitLeavesNoState) {
  const auto task = make("one");
  log.held = true;
  auto first = start(request(retitle("two"), task));
  auto second = start(request(retitle("three"), task));
  log.release(storage::AppendError::unavailable);
  EXPECT_EQ(show(**first) + "; " + show(**second), "unavailable; unavailable");
  EXPECT_EQ(run(retitle("four"), task), "updated v2");

  log.refuse = storage::AppendError::queue_full;
  EXPECT_EQ(run(retitle("five"), task), "busy");
  log.refuse = storage::AppendError::conflict;
  EXPECT_EQ(run(retitle("five"), task), "busy") << "a conflict without end";
  log.refuse = storage::AppendError::closed;
  EXPECT_EQ(run(retitle("five"), task), "unavailable");
  log.refuse.reset();
  EXPECT_EQ(run(retitle("five"), task), "updated v3");
}

// A task whose state is held when the others of its batch are loaded, and no more when all are decided.
TEST_F(CommandTest, AStateThatGoesWhileOthersAreLoadedIsLoadedToo) {
  const TaskId first = make("a"), second = make("b");
  handler = make_command_handler(
      log, [this] { return now; }, [](std::span<std::uint8_t> bytes) { std::fill(bytes.begin(), bytes.end(), 9); });
  ASSERT_EQ(run(retitle("aa"), first), "updated v2");
  log.held = true;
  const auto lost = start(request(retitle("aaa"), first));
  log.before_read = [&] { log.release(storage::AppendError::unavailable); };
  auto both = request(retitle("c"), first);
  both.records.push_back({second, retitle("d")});
  EXPECT_EQ(run(std::move(both)), "updated v3, updated v2");
  EXPECT_EQ(show(**lost), "unavailable");
}

}  // namespace
}  // namespace taskledger::commands::test
