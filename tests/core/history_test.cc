// Properties of decider and payloads over random commands. A failing seed is printed; set TASKLEDGER_SEED to replay it.
#include <cstdlib>
#include <random>

#include "core/decider.h"
#include "tests/core/support.h"

namespace taskledger {
namespace {

using namespace testing;

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool coin() { return below(2) == 0; }

  std::string title() {
    static const std::vector<std::string> kTitles = {"a",    "b",   "Ünïcode ß", "with \"quotes\" \\ and / ",
                                                     "日本", "x y", "𝒳"};
    std::string title = kTitles[below(kTitles.size())];
    while (title.back() == ' ') title.pop_back();
    return title;
  }
  std::optional<Timestamp> due() {
    return below(3) == 0 ? std::nullopt : std::optional(Timestamp{static_cast<std::int64_t>(below(4'000'000'000'000))});
  }
  std::optional<Priority> priority() {
    const auto code = below(4);
    return code ? std::optional(static_cast<Priority>(code)) : std::nullopt;
  }
  std::optional<ActionType> action_type() {
    const auto code = below(6);
    return code ? std::optional(static_cast<ActionType>(code)) : std::nullopt;
  }
  std::optional<UserId> assignee() {
    const auto who = below(4);
    return who ? std::optional(user(static_cast<std::uint8_t>(who))) : std::nullopt;
  }
  std::vector<Link> links() {
    std::vector<Link> links;
    for (std::uint8_t i = 0; i < 3; ++i) {
      if (coin()) links.push_back(link(i, static_cast<EntityType>(1 + below(3))));
    }
    std::shuffle(links.begin(), links.end(), engine_);
    return links;
  }
  TaskFields fields() { return {title(), due(), priority(), action_type(), assignee(), links()}; }
  TaskPatch patch() {
    TaskPatch patch;
    if (coin()) patch.title = title();
    if (coin()) patch.due_date = due();
    if (coin()) patch.priority = priority();
    if (coin()) patch.action_type = action_type();
    if (coin()) patch.assigned_to = assignee();
    if (coin()) patch.links = links();
    return patch;
  }
  TaskCommand command(const Stream& stream) {
    switch (below(12)) {
      case 0:
        return CreateTask{fields()};
      case 1:
        return DeleteTask{};
      case 2:
      case 3:
        return RestoreTask{};
      case 4:
      case 5:
        return CompleteTask{coin()};
      case 6:
        return UndoEvent{};
      case 7:
      case 8:
        if (stream.history.empty()) return UndoEvent{};
        return UndoEvent{stream.history[below(stream.history.size())].id};
      default:
        return UpdateTask{patch()};
    }
  }

 private:
  std::mt19937_64 engine_;
};

void check_payload(const TaskEvent& event) {
  const std::string data = event_data(event);
  const auto parsed = parse_event_data(type_of(event), data);
  ASSERT_TRUE(parsed) << data << ": " << parsed.error().message;
  EXPECT_EQ(*parsed, event) << data;
  EXPECT_EQ(event_data(*parsed), data);
}

// Each accepted event changes something, is accepted as an import, and is stored as it is.
void check_import_of(const Task& before, const RecordedEvent& recorded) {
  const ImportedEvent imported{Stream::kId,    type_of(recorded.event), recorded.time, recorded.actor,
                               recorded.event, recorded.version,        recorded.id};
  const auto checked = check_import(before, imported);
  ASSERT_TRUE(checked) << name_of(imported.type) << ": " << checked.error().message;
  EXPECT_EQ(as_stored(before, imported), recorded.event);
}

// Whether deciding the same again on the state after it yields nothing.
bool is_idempotent(const TaskCommand& command) {
  return std::holds_alternative<UpdateTask>(command) || std::holds_alternative<CompleteTask>(command);
}

void run(std::uint64_t seed) {
  Random random(seed);
  Stream stream;
  stream.perform(CreateTask{random.fields()});
  for (int step = 0; step < 60; ++step) {
    const TaskCommand command = random.command(stream);
    const Task before = stream.state;
    const std::size_t events = stream.history.size();
    const std::string outcome = stream.perform(command, user(static_cast<std::uint8_t>(random.below(4))));

    Task folded = before;
    for (std::size_t i = events; i < stream.history.size(); ++i) {
      const RecordedEvent& recorded = stream.history[i];
      check_payload(recorded.event);
      check_import_of(folded, recorded);
      evolve(folded, Stream::kId, recorded.version, recorded.time, recorded.actor, recorded.event);
    }
    EXPECT_EQ(folded, stream.state);
    if (events == stream.history.size()) {
      EXPECT_EQ(before, stream.state);
    } else if (is_idempotent(command)) {
      EXPECT_EQ(stream.perform(command), "nothing") << outcome;
    } else if (std::holds_alternative<UndoEvent>(command)) {
      EXPECT_NE(stream.undo(), "nothing") << outcome;  // undone twice: as it was
      EXPECT_EQ(stream.state.fields.title, before.fields.title);
      EXPECT_TRUE(
          changes_of(stream.state.fields, {before.fields.title, before.fields.due_date, before.fields.priority,
                                           before.fields.action_type, before.fields.assigned_to, before.fields.links})
              .empty());
      EXPECT_EQ(stream.state.lifecycle, before.lifecycle);
      EXPECT_EQ(stream.state.completed_at, before.completed_at);
      EXPECT_EQ(stream.state.completed_by, before.completed_by);
    }
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(History, PropertiesOfRandomCommands) {
  const char* given = std::getenv("TASKLEDGER_SEED");
  const std::uint64_t first = given ? std::strtoull(given, nullptr, 10) : 1;
  for (std::uint64_t seed = first; seed < first + (given ? 1 : 500); ++seed) {
    run(seed);
    ASSERT_FALSE(HasFailure()) << "TASKLEDGER_SEED=" << seed;
  }
}

TEST(History, AnyEventsFoldOnAnyState) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    Stream stream;
    for (int step = 0; step < 40; ++step) {
      const std::vector<TaskEvent> events = {TaskCreated{random.fields()},
                                             TaskUpdated{random.patch()},
                                             TaskCompleted{},
                                             TaskReopened{},
                                             TaskDeleted{},
                                             TaskRestored{},
                                             TaskErased{}};
      stream.record(events[random.below(events.size() - (seed % 2))]);
      EXPECT_EQ(stream.state.version.value, static_cast<std::uint32_t>(step + 1));
      EXPECT_EQ(stream.state.updated_at, stream.now);
      EXPECT_EQ(stream.state.completed_at.has_value(), stream.state.completed_by.has_value()) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace taskledger
