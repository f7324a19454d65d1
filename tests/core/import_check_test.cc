#include "core/decider.h"
#include "tests/core/support.h"

namespace taskledger {
namespace {

using namespace testing;

ImportedEvent imported(const Stream& stream, TaskEvent event) {
  const EventType type = type_of(event);
  return {Stream::kId, type, {stream.now.ms + 1000}, user(1), std::move(event), std::nullopt, std::nullopt};
}
std::string check(const Stream& stream, const ImportedEvent& event) {
  const auto checked = check_import(stream.state, event);
  return checked ? "ok" : checked.error().message;
}
std::string check(const Stream& stream, TaskEvent event) { return check(stream, imported(stream, std::move(event))); }

Stream created() {
  Stream stream;
  stream.record(TaskCreated{titled("first")});
  return stream;
}
TaskUpdated retitled(std::string title) {
  TaskUpdated event;
  event.patch.title = std::move(title);
  return event;
}

TEST(ImportCheck, VersionIsTheNext) {
  Stream stream = created();
  ImportedEvent event = imported(stream, retitled("second"));
  event.version = Version{2};
  EXPECT_EQ(check(stream, event), "ok");
  event.version = Version{3};
  EXPECT_EQ(check(stream, event), "Field 'version' must be 2, the task's next");
}

TEST(ImportCheck, TimeDoesNotRunBackwards) {
  Stream stream = created();
  ImportedEvent event = imported(stream, retitled("second"));
  event.time = stream.now;
  EXPECT_EQ(check(stream, event), "ok");
  event.time.ms -= 1;
  EXPECT_EQ(check(stream, event), "Field 'time' must not be before the task's last event, " + to_rfc3339(stream.now));
}

TEST(ImportCheck, EventsFitTheLifecycle) {
  Stream absent, live = created(), deleted = created(), erased;
  deleted.record(TaskDeleted{});
  erased.record(TaskErased{});
  EXPECT_EQ(check(absent, TaskCreated{titled("x")}), "ok");
  EXPECT_EQ(check(absent, retitled("x")), "Field 'type' must not be TaskUpdated here: the task does not exist yet");
  EXPECT_EQ(check(absent, TaskRestored{}), "Field 'type' must not be TaskRestored here: the task does not exist yet");
  EXPECT_EQ(check(live, TaskCreated{titled("x")}),
            "Field 'type' must not be TaskCreated here: the task exists already");
  EXPECT_EQ(check(live, TaskRestored{}), "Field 'type' must not be TaskRestored here: the task is not deleted");
  EXPECT_EQ(check(live, TaskDeleted{}), "ok");
  EXPECT_EQ(check(deleted, TaskRestored{}), "ok");
  for (const TaskEvent& event : std::vector<TaskEvent>{TaskCreated{titled("x")}, retitled("x"), TaskCompleted{},
                                                       TaskReopened{}, TaskDeleted{}}) {
    EXPECT_EQ(check(deleted, event),
              "Field 'type' must not be " + std::string(name_of(type_of(event))) + " here: the task is deleted");
  }
  EXPECT_EQ(check(erased, TaskRestored{}), "Field 'type' must not be TaskRestored here: the task is erased");
  EXPECT_EQ(check(deleted, TaskErased{}),
            "Field 'type' must not be TaskErased here: the task's events have not lost their data");
}

TEST(ImportCheck, AnErasedHistoryIsOneFromItsCreationOn) {
  const auto lost = [](Stream& stream, const TaskEvent& event) {
    ImportedEvent line = imported(stream, event);
    line.event = TaskErased{};
    const std::string answer = check(stream, line);
    if (answer == "ok") stream.record(event);
    return answer;
  };
  Stream whole = created(), erased;
  EXPECT_EQ(lost(whole, retitled("x")), "Field 'data' is required");
  EXPECT_EQ(lost(erased, TaskUpdated{}), "Field 'type' must not be TaskUpdated here: the task does not exist yet");
  EXPECT_EQ(lost(erased, TaskCreated{}), "ok");
  EXPECT_EQ(check(erased, retitled("x")), "Field 'data' must be absent: the task's events before have lost theirs");
  EXPECT_EQ(lost(erased, TaskUpdated{}), "ok");
  EXPECT_EQ(lost(erased, TaskCompleted{}), "ok");
  EXPECT_EQ(lost(erased, TaskCompleted{}),
            "Field 'type' must not be TaskCompleted here: the task is completed already");
  EXPECT_EQ(check(erased, TaskErased{}), "Field 'type' must not be TaskErased here: the task is not deleted");
  EXPECT_EQ(lost(erased, TaskDeleted{}), "ok");
  EXPECT_EQ(check(erased, TaskErased{}), "ok");
  erased.record(TaskErased{});
  EXPECT_EQ(lost(erased, TaskRestored{}), "Field 'type' must not be TaskRestored here: the task is erased");
  EXPECT_EQ(check(erased, TaskErased{}), "Field 'type' must not be TaskErased here: the task is erased");
}

TEST(ImportCheck, EventsChangeSomething) {
  Stream stream = created();
  EXPECT_EQ(check(stream, retitled("first")), "Field 'data' would change nothing");
  EXPECT_EQ(check(stream, TaskReopened{}), "Field 'type' must not be TaskReopened here: the task is not completed");
  stream.record(TaskCompleted{});
  EXPECT_EQ(check(stream, TaskCompleted{}),
            "Field 'type' must not be TaskCompleted here: the task is completed already");
  EXPECT_EQ(check(stream, TaskReopened{}), "ok");
}

TEST(ImportCheck, ACompletionIsNotAfterItsEvent) {
  Stream stream = created();
  EXPECT_EQ(check(stream, TaskCompleted{stream.now, user(2)}), "ok");
  EXPECT_EQ(check(stream, TaskCompleted{Timestamp{stream.now.ms + 1001}, user(2)}),
            "Field 'data.completed_at' must not be after the event's time");
}

TEST(ImportCheck, OfAnUpdateOnlyTheChangesAreStored) {
  Stream stream = created();
  TaskUpdated event = retitled("first");
  event.patch.priority = std::optional(Priority::low);
  EXPECT_EQ(event_data(as_stored(stream.state, imported(stream, event))), R"({"priority":"low"})");
}

}  // namespace
}  // namespace taskledger
