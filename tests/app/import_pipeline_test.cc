// import_lines: what reaches the log, in which order, and how bad lines are named.
#include "app/import_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "app/command.h"

namespace taskledger::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kActor = "0a000000-0000-4000-8000-000000000001";

// Keeps what it is given as lines: version, type, payload, and whether an id was kept.
class FakeBulk final : public storage::BulkAppend {
 public:
  Result<void, storage::ReadError> add(const UserId&, Version version, const storage::NewRecord& record) override {
    if (added.size() == fail_at) return storage::ReadError{"disk full"};
    added.push_back(std::to_string(version.value) + " " + std::string(name_of(static_cast<EventType>(record.type))) +
                    " " + record.payload + (record.id ? " id" : ""));
    return {};
  }
  Result<void, storage::ReadError> add_erased(const UserId&, Version version,
                                              const storage::NewRecord& record) override {
    added.push_back(std::to_string(version.value) + " " + std::string(name_of(static_cast<EventType>(record.type))) +
                    " erased");
    return {};
  }
  Result<void, storage::ReadError> add_system(const UserId&, Version, const storage::NewRecord&) override { return {}; }
  Result<storage::Appended, storage::ReadError> finish() override { return storage::Appended{}; }
  std::vector<std::string> added;
  std::size_t fail_at = SIZE_MAX;
};

std::string event(int task, const char* type, const std::string& data, const char* time = "2020-01-01T00:00:00Z",
                  const std::string& extra = "") {
  return R"({"task_id":"7a5c0000-0000-4000-8000-)" + std::to_string(100000000000 + task) + R"(","type":")" + type +
         R"(","time":")" + time + R"(","actor":")" + kActor + R"(","data":)" + data + extra + "}\n";
}

class ImportLines : public testing::Test {
 protected:
  ImportLines() {
    std::string name = (std::filesystem::temp_directory_path() / "taskledger-import-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~ImportLines() override { std::filesystem::remove_all(folder_); }

  ImportCounts run(
      const std::string& text, std::function<Task(const TaskId&)> state_in_log = [](const TaskId&) { return Task{}; }) {
    const auto path = folder_ / "f";
    std::ofstream(path, std::ios::binary) << text;
    LineReader lines(path.string());
    const ImportJob job{"f.ndjson",
                        workspace_id_of("acme"),
                        Timestamp{1'700'000'000'000},
                        std::move(state_in_log),
                        [](std::uint64_t) {},
                        {}};
    return import_lines(lines, job, bulk_);
  }
  std::string failure(const std::string& text) {
    try {
      run(text);
    } catch (const Failed& failed) {
      return failed.what();
    }
    return "";
  }

  std::filesystem::path folder_;
  FakeBulk bulk_;
};

TEST_F(ImportLines, VersionsCountInEachTaskAndPayloadsAreCanonical) {
  const ImportCounts counts = run(
      event(1, "TaskCreated", R"({"priority":null,"title":"  One "})") + event(2, "TaskCreated", R"({"title":"Two"})") +
      "\n" + event(1, "TaskUpdated", R"({"priority":"low","title":"One"})") + event(1, "TaskCompleted", "{}"));
  EXPECT_THAT(bulk_.added, ElementsAre(R"(1 TaskCreated {"title":"One"})", R"(1 TaskCreated {"title":"Two"})",
                                       R"(2 TaskUpdated {"priority":"low"})", "3 TaskCompleted {}"));
  EXPECT_EQ(counts.events, 4u);
  EXPECT_EQ(counts.tasks, 2u);
}

TEST_F(ImportLines, OnlyIdsThatAreNotTheDerivedOnesAreKept) {
  const TaskId task{*parse_uuid("7a5c0000-0000-4000-8000-100000000001")};
  const std::string derived = to_string(derived_event_id(workspace_id_of("acme"), task, Version{1}));
  run(event(1, "TaskCreated", R"({"title":"One"})", "2020-01-01T00:00:00Z", R"(,"id":")" + derived + "\"") +
      event(2, "TaskCreated", R"({"title":"Two"})", "2020-01-01T00:00:00Z",
            R"(,"id":"0e000000-0000-4000-8000-000000000001")"));
  EXPECT_THAT(bulk_.added, ElementsAre(R"(1 TaskCreated {"title":"One"})", R"(1 TaskCreated {"title":"Two"} id)"));
}

TEST_F(ImportLines, TheFirstBadLineIsNamed) {
  const std::string good = event(1, "TaskCreated", R"({"title":"One"})");
  EXPECT_THAT(failure(good + "{\n"), HasSubstr("f.ndjson:2: "));
  EXPECT_THAT(failure(good + good), HasSubstr("f.ndjson:2: "));
  EXPECT_THAT(failure(event(1, "TaskCompleted", "{}")), HasSubstr("f.ndjson:1: "));
  EXPECT_THAT(failure(good + event(1, "TaskUpdated", R"({"title":"One"})")), HasSubstr("f.ndjson:2: "))
      << "changes nothing";
  EXPECT_THAT(failure(good + event(1, "TaskUpdated", R"({"title":"2"})", "2019-01-01T00:00:00Z")),
              HasSubstr("f.ndjson:2: "))
      << "runs backwards";
  EXPECT_THAT(failure(event(1, "TaskCreated", R"({"title":"One"})", "2100-01-01T00:00:00Z")),
              HasSubstr("f.ndjson:1: Field 'time'"));
  EXPECT_THAT(failure(event(1, "TaskCreated", R"({"title":"One","priority":"urgent"})")),
              HasSubstr("f.ndjson:1: Field 'data.priority' must be one of: low, medium, high"));
}

TEST_F(ImportLines, TasksThatTheLogHoldsGoOnFromThere) {
  Task there;
  there.lifecycle = Lifecycle::live;
  there.version = {7};
  there.fields.title = "One";
  run(event(1, "TaskCompleted", "{}"), [&](const TaskId& id) {
    there.id = id;
    return there;
  });
  EXPECT_THAT(bulk_.added, ElementsAre("8 TaskCompleted {}"));
}

TEST_F(ImportLines, AnErasedHistoryIsTakenWhole) {
  const auto bare = [](const char* type) {
    return R"({"task_id":"7a5c0000-0000-4000-8000-100000000001","type":")" + std::string(type) +
           R"(","time":"2020-01-01T00:00:00Z","actor":")" + kActor + "\"}\n";
  };
  const std::string lost = bare("TaskCreated") + bare("TaskUpdated") + bare("TaskDeleted");
  EXPECT_THAT(failure(lost),
              HasSubstr("f.ndjson:1: the events of task 7a5c0000-0000-4000-8000-100000000001 have no 'data', and no "
                        "TaskErased follows"));
  bulk_.added.clear();
  run(lost + event(1, "TaskErased", "{}"));
  EXPECT_THAT(bulk_.added,
              ElementsAre("1 TaskCreated erased", "2 TaskUpdated erased", "3 TaskDeleted erased", "4 TaskErased {}"));
  EXPECT_THAT(failure(event(1, "TaskCreated", R"({"title":"One"})") + bare("TaskDeleted")),
              HasSubstr("f.ndjson:2: Field 'data' is required"));
}

TEST_F(ImportLines, AnIdIsGivenOnceWithinATask) {
  const auto with = [](const std::string& id) { return R"(,"id":")" + id + "\""; };
  const std::string id = "0e000000-0000-4000-8000-000000000001";
  const TaskId task{*parse_uuid("7a5c0000-0000-4000-8000-100000000001")};
  const std::string first = to_string(derived_event_id(workspace_id_of("acme"), task, Version{1}));
  const std::string third = to_string(derived_event_id(workspace_id_of("acme"), task, Version{3}));
  const std::string time = "2020-01-01T00:00:00Z";
  const auto created = [&](int n, const std::string& extra) {
    return event(n, "TaskCreated", R"({"title":"One"})", time.c_str(), extra);
  };
  const auto completed = [&](const std::string& extra) { return event(1, "TaskCompleted", "{}", time.c_str(), extra); };
  EXPECT_EQ(failure(created(1, with(id)) + created(2, with(id))), "") << "another task's";
  EXPECT_THAT(failure(created(1, with(id)) + completed(with(id))),
              HasSubstr("f.ndjson:2: Field 'id' must not be that of an earlier event"));
  EXPECT_THAT(failure(created(1, "") + completed(with(first))), HasSubstr("f.ndjson:2: Field 'id'"))
      << "derived, then given";
  EXPECT_THAT(failure(created(1, with(third)) + completed("") + event(1, "TaskReopened", "{}")),
              HasSubstr("f.ndjson:3: Field 'id'"))
      << "given, then derived";
  EXPECT_EQ(
      failure(created(1, with(third)) + completed("") + event(1, "TaskReopened", "{}", time.c_str(), with(third))), "")
      << "as an export says it of a log where the third was derived beside it";
  EXPECT_EQ(failure(created(1, with(third)) + completed(with(first))), "") << "derived for one that brought another";
}

TEST_F(ImportLines, AFailureOfTheLogEndsIt) {
  bulk_.fail_at = 600;
  std::string text;
  for (int i = 0; i < 20000; ++i) text += event(i, "TaskCreated", R"({"title":"One"})");
  EXPECT_THAT(failure(text), HasSubstr("disk full"));
}

}  // namespace
}  // namespace taskledger::app
