#include "core/decider.h"

#include "tests/core/support.h"

namespace taskledger {
namespace {

using namespace testing;

Stream created(TaskFields fields = titled("Call back")) {
  Stream stream;
  EXPECT_EQ(stream.perform(CreateTask{std::move(fields)}, user(7)), "TaskCreated");
  return stream;
}

UpdateTask update_priority(std::optional<Priority> priority) {
  UpdateTask command;
  command.patch.priority = priority;
  return command;
}

TEST(Decider, CreatesOnce) {
  Stream stream = created();
  EXPECT_EQ(stream.state.lifecycle, Lifecycle::live);
  EXPECT_EQ(stream.state.created_by, user(7));
  EXPECT_EQ(stream.state.created_at, stream.now);
  EXPECT_EQ(stream.state.updated_at, stream.now);
  EXPECT_EQ(stream.state.version.value, 1u);
  EXPECT_EQ(stream.perform(CreateTask{titled("Again")}), "already_exists");
}

TEST(Decider, AbsentAndDeletedTasksAreNotFound) {
  Stream absent;
  Stream deleted = created();
  EXPECT_EQ(deleted.perform(DeleteTask{}), "TaskDeleted");
  for (Stream* stream : {&absent, &deleted}) {
    EXPECT_EQ(stream->perform(update_priority(Priority::low)), "not_found");
    EXPECT_EQ(stream->perform(CompleteTask{}), "not_found");
    EXPECT_EQ(stream->perform(DeleteTask{}), "not_found");
  }
  EXPECT_EQ(absent.perform(RestoreTask{}), "not_found");
  EXPECT_EQ(absent.perform(EraseTask{}), "not_found");
  EXPECT_EQ(deleted.perform(CreateTask{titled("Again")}), "already_exists");
}

TEST(Decider, UpdatesOnlyWhatDiffers) {
  TaskFields fields = titled("Call back");
  fields.priority = Priority::high;
  fields.links = {link(1, EntityType::contacts), link(2, EntityType::companies)};
  const Stream stream = created(fields);

  UpdateTask command;
  command.patch.title = "Call back";
  command.patch.priority = std::optional(Priority::low);
  command.patch.due_date.emplace();                                                       // null, as it is
  command.patch.links = {link(2, EntityType::companies), link(1, EntityType::contacts)};  // another order: the same set
  const auto decided = decide(stream.state, command);
  ASSERT_TRUE(decided);
  ASSERT_EQ(decided->size(), 1u);
  EXPECT_EQ(event_data(decided->front()), R"({"priority":"low"})");
}

TEST(Decider, UpdatesKeepTheOrderOfNewLinks) {
  Stream stream = created();
  UpdateTask command;
  command.patch.links = {link(2, EntityType::companies), link(1, EntityType::contacts)};
  EXPECT_EQ(stream.perform(command), "TaskUpdated");
  EXPECT_EQ(stream.state.fields.links, *command.patch.links);
  EXPECT_EQ(stream.state.updated_at, stream.now);
}

TEST(Decider, ClearsFields) {
  TaskFields fields = titled("Call back");
  fields.priority = Priority::high;
  Stream stream = created(fields);
  EXPECT_EQ(stream.perform(update_priority(std::nullopt)), "TaskUpdated");
  EXPECT_EQ(stream.state.fields.priority, std::nullopt);
  EXPECT_EQ(stream.perform(update_priority(std::nullopt)), "nothing");
}

TEST(Decider, CompletesAndReopens) {
  Stream stream = created();
  EXPECT_EQ(stream.perform(CompleteTask{false}), "nothing");
  EXPECT_EQ(stream.perform(CompleteTask{}, user(3)), "TaskCompleted");
  const Timestamp first = stream.now;
  stream.now.ms += 60'000;
  EXPECT_EQ(stream.perform(CompleteTask{}, user(4)), "nothing");
  EXPECT_EQ(stream.state.completed_at, first);
  EXPECT_EQ(stream.state.completed_by, user(3));
  EXPECT_EQ(stream.perform(CompleteTask{false}), "TaskReopened");
  EXPECT_FALSE(stream.state.is_completed());
  EXPECT_EQ(stream.state.completed_by, std::nullopt);
}

TEST(Decider, DeletesAndRestoresWithEverything) {
  TaskFields fields = titled("Call back");
  fields.links = {link(1, EntityType::contacts)};
  Stream stream = created(fields);
  EXPECT_EQ(stream.perform(RestoreTask{}), "not_deleted");
  EXPECT_EQ(stream.perform(CompleteTask{}), "TaskCompleted");
  const Task before = stream.state;
  EXPECT_EQ(stream.perform(DeleteTask{}), "TaskDeleted");
  EXPECT_EQ(stream.perform(RestoreTask{}), "TaskRestored");
  EXPECT_EQ(stream.state.fields, before.fields);
  EXPECT_EQ(stream.state.completed_at, before.completed_at);
  EXPECT_EQ(stream.state.created_at, before.created_at);
  EXPECT_EQ(stream.state.updated_at, stream.now);
}

TEST(Decider, ErasesDeletedTasksForGood) {
  Stream stream = created();
  EXPECT_EQ(stream.perform(EraseTask{}), "not_deleted");
  EXPECT_EQ(stream.perform(DeleteTask{}), "TaskDeleted");
  EXPECT_EQ(stream.perform(EraseTask{}), "TaskErased");
  EXPECT_EQ(stream.state.fields, TaskFields{});
  EXPECT_EQ(stream.state.version.value, 3u);
  EXPECT_EQ(stream.perform(EraseTask{}), "nothing");
  EXPECT_EQ(stream.perform(RestoreTask{}), "erased");
  EXPECT_EQ(stream.undo(), "erased");
  EXPECT_EQ(stream.perform(update_priority(Priority::low)), "not_found");
}

TEST(Decider, UndoNeedsTheHistory) { EXPECT_THROW((void)decide(Task{}, UndoEvent{}), std::logic_error); }

TEST(Evolve, TakesAnEarlierCompletionFromTheData) {
  Stream stream = created();
  stream.record(TaskCompleted{Timestamp{5000}, user(9)});
  EXPECT_EQ(stream.state.completed_at, Timestamp{5000});
  EXPECT_EQ(stream.state.completed_by, user(9));
  EXPECT_EQ(stream.state.updated_at, stream.now);
}

TEST(Evolve, AnEventThatMakesNoSenseChangesOnlyVersionAndUpdatedAt) {
  Stream stream = created();
  stream.record(TaskCompleted{}, user(3));
  Task expected = stream.state;
  for (const TaskEvent& event : std::vector<TaskEvent>{TaskCreated{titled("Other")}, TaskCompleted{}, TaskRestored{}}) {
    stream.record(event, user(4));
    expected.version = expected.version.next();
    expected.updated_at = stream.now;
    EXPECT_EQ(stream.state, expected) << name_of(type_of(event));
  }
}

TEST(Evolve, AnErasureIsReachedFromNothing) {
  Stream stream;
  stream.record(TaskErased{});
  EXPECT_EQ(stream.state.lifecycle, Lifecycle::erased);
  EXPECT_EQ(stream.perform(RestoreTask{}), "erased");
}

}  // namespace
}  // namespace taskledger
