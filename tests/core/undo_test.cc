#include "core/decider.h"
#include "tests/core/support.h"

namespace taskledger {
namespace {

using namespace testing;

UpdateTask retitled(std::string title) {
  UpdateTask command;
  command.patch.title = std::move(title);
  return command;
}
UpdateTask prioritised(std::optional<Priority> priority) {
  UpdateTask command;
  command.patch.priority = priority;
  return command;
}
Stream created() {
  Stream stream;
  EXPECT_EQ(stream.perform(CreateTask{titled("first")}), "TaskCreated");
  return stream;
}

TEST(Undo, OfAnUpdateSetsItsFieldsBackAndAgainRedoes) {
  Stream stream = created();
  UpdateTask both = retitled("second");
  both.patch.priority = std::optional(Priority::high);
  stream.perform(both);
  EXPECT_EQ(stream.undo(), "TaskUpdated");
  EXPECT_EQ(stream.state.fields, titled("first"));
  EXPECT_EQ(event_data(stream.history.back().event), R"({"title":"first","priority":null})");
  EXPECT_EQ(stream.undo(), "TaskUpdated");
  EXPECT_EQ(stream.state.fields.title, "second");
  EXPECT_EQ(stream.state.fields.priority, Priority::high);
}

TEST(Undo, OfANamedEventLeavesOtherFieldsAlone) {
  Stream stream = created();
  stream.perform(retitled("second"));           // 2
  stream.perform(prioritised(Priority::high));  // 3
  stream.perform(CompleteTask{});               // 4
  EXPECT_EQ(stream.undo(2), "TaskUpdated");
  EXPECT_EQ(stream.state.fields.title, "first");
  EXPECT_EQ(stream.state.fields.priority, Priority::high);
  EXPECT_TRUE(stream.state.is_completed());
}

// An imported event may have brought the id that was derived for a later one.
TEST(Undo, OfAnIdThatTwoEventsHaveTakesTheLaterOneBack) {
  Stream stream = created();
  stream.perform(retitled("second"));           // 2
  stream.perform(prioritised(Priority::high));  // 3
  stream.history[1].id = stream.history[2].id;
  EXPECT_EQ(stream.undo(3), "TaskUpdated");
  EXPECT_EQ(stream.state.fields.title, "second");
  EXPECT_EQ(stream.state.fields.priority, std::nullopt);
}

TEST(Undo, IsRefusedWhenALaterEventTouchedTheSameFields) {
  Stream stream = created();
  stream.perform(retitled("second"));  // 2
  stream.perform(retitled("third"));   // 3
  EXPECT_EQ(stream.undo(2), "superseded");
  EXPECT_EQ(stream.undo(3), "TaskUpdated");  // 4: an event like others
  EXPECT_EQ(stream.undo(3), "superseded");
  stream.perform(CompleteTask{});       // 5
  stream.perform(CompleteTask{false});  // 6
  EXPECT_EQ(stream.undo(5), "superseded");
}

TEST(Undo, OfACompletionReopensAndOfAReopeningBringsTheFirstCompletionBack) {
  Stream stream = created();
  stream.perform(CompleteTask{}, user(5));
  const auto completed_at = stream.state.completed_at;
  EXPECT_EQ(stream.undo(), "TaskReopened");
  EXPECT_FALSE(stream.state.is_completed());
  EXPECT_EQ(stream.undo(), "TaskCompleted");
  EXPECT_EQ(stream.state.completed_at, completed_at);
  EXPECT_EQ(stream.state.completed_by, user(5));
  EXPECT_EQ(event_data(stream.history.back().event), R"({"completed_at":")" + to_rfc3339(*completed_at) +
                                                         R"(","completed_by":")" + to_string(user(5)) + R"("})");
}

TEST(Undo, OfACreationDeletesUnlessAFieldThatItGaveWasChangedSince) {
  Stream stream = created();
  EXPECT_EQ(stream.undo(), "TaskDeleted");
  EXPECT_EQ(stream.undo(), "TaskRestored");
  Stream changed = created();
  changed.perform(prioritised(Priority::high));
  changed.perform(CompleteTask{});
  EXPECT_EQ(changed.undo(1), "TaskDeleted");
  Stream retitled_since = created();
  retitled_since.perform(retitled("second"));
  EXPECT_EQ(retitled_since.undo(1), "superseded");
}

TEST(Undo, OfADeletionRestoresAndOfARestorationDeletes) {
  Stream stream = created();
  stream.perform(DeleteTask{});
  EXPECT_EQ(stream.undo(), "TaskRestored");
  EXPECT_EQ(stream.undo(), "TaskDeleted");
  EXPECT_EQ(stream.undo(3), "superseded");
  EXPECT_EQ(stream.undo(4), "TaskRestored");
}

TEST(Undo, OnADeletedTaskOnlyTakesBackTheDeletion) {
  Stream stream = created();
  stream.perform(retitled("second"));
  stream.perform(CompleteTask{});
  stream.perform(DeleteTask{});
  EXPECT_EQ(stream.undo(1), "superseded");
  EXPECT_EQ(stream.undo(2), "superseded");
  EXPECT_EQ(stream.undo(3), "superseded");
  EXPECT_EQ(stream.undo(4), "TaskRestored");
  EXPECT_EQ(stream.undo(2), "TaskUpdated");  // fields are older than the deletion, and came back with the task
}

TEST(Undo, OfAnOlderExistenceIsSuperseded) {
  Stream stream = created();
  stream.perform(DeleteTask{});
  stream.perform(RestoreTask{});
  EXPECT_EQ(stream.undo(1), "superseded");
  EXPECT_EQ(stream.undo(2), "superseded");
}

TEST(Undo, KnowsOnlyItsOwnTasksEvents) {
  Stream stream = created();
  EXPECT_EQ(stream.perform(UndoEvent{EventId{uuid(0xEE)}}), "event_not_found");
  EXPECT_EQ(Stream{}.undo(), "not_found");
}

TEST(Undo, OfAnEventWithoutEffectHasNothingToDo) {
  Stream stream = created();
  stream.record(TaskReopened{});
  EXPECT_EQ(stream.undo(), "nothing_to_undo");
}

}  // namespace
}  // namespace taskledger
