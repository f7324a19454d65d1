// The real history beside the project (4,580 help desk tickets): every line is accepted, and what is written back is
// canonical: read and written again it is the same bytes. Skipped where the file is absent.
#include <zlib.h>

#include <filesystem>
#include <map>
#include <unordered_map>

#include "core/decider.h"
#include "core/event.h"
#include "tests/core/support.h"

namespace taskledger {
namespace {

std::vector<std::string> read_lines(const std::string& path) {
  std::vector<std::string> lines;
  gzFile file = gzopen(path.c_str(), "rb");
  std::string text;
  std::vector<char> piece(1 << 16);
  for (int n = 0; (n = gzread(file, piece.data(), static_cast<unsigned>(piece.size()))) > 0;)
    text.append(piece.data(), n);
  gzclose(file);
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

// Imports lines as the CLI does and returns the event lines of an export; empty after a failure.
std::vector<std::string> import_and_export(const std::vector<std::string>& lines, std::map<std::string, int>& types) {
  const WorkspaceId workspace = workspace_id_of("helpdesk");
  std::unordered_map<TaskId, Task> tasks;
  std::vector<std::string> out;
  for (const std::string& line : lines) {
    const auto event = parse_event_line(line);
    if (!event) {
      ADD_FAILURE() << "line " << out.size() + 1 << ": " << event.error().message;
      return {};
    }
    Task& task = tasks[event->task_id];
    if (const auto checked = check_import(task, *event); !checked) {
      ADD_FAILURE() << "line " << out.size() + 1 << ": " << checked.error().message;
      return {};
    }
    const TaskEvent stored = as_stored(task, *event);
    const Version version = task.version.next();
    evolve(task, event->task_id, version, event->time, event->actor, stored);
    const EventHeader header{WorkspacePosition{out.size() + 1},
                             event->id.value_or(derived_event_id(workspace, event->task_id, version)),
                             workspace,
                             event->task_id,
                             version,
                             event->type,
                             event->time,
                             event->actor};
    append_event_line(out.emplace_back(), header, event_data(stored));
    ++types[std::string(name_of(event->type))];
  }
  return out;
}

TEST(HelpDesk, IsAcceptedWholeAndItsCanonicalFormIsStable) {
  const std::string path = std::string(TASKLEDGER_SOURCE_DIR) + "/../shared/data/helpdesk-events.ndjson.gz";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no help desk data beside the project";
  std::map<std::string, int> types, again;
  const std::vector<std::string> first = import_and_export(read_lines(path), types);
  ASSERT_EQ(first.size(), 12'186u);
  EXPECT_EQ(types, (std::map<std::string, int>{
                       {"TaskCompleted", 4730}, {"TaskCreated", 4580}, {"TaskReopened", 163}, {"TaskUpdated", 2713}}));
  EXPECT_TRUE(first[0].ends_with(
      R"("version":1,"type":"TaskCreated","time":"2010-01-13T08:40:25Z","actor":"6907cca7-f0bc-56f7-a6a4-0165616f0b5c",)"
      R"("data":{"title":"Help desk ticket: Case 3608, product 3","due_date":"2010-01-18T08:40:25Z","priority":"medium",)"
      R"("assigned_to_id":"6907cca7-f0bc-56f7-a6a4-0165616f0b5c","linked_entities":[)"
      R"({"id":"70223669-7333-5b5f-b308-040ce79f04a1","type":"companies"},)"
      R"({"id":"f036473b-c1e0-5b6b-b70c-361828dfa987","type":"opportunities"}]}})"))
      << first[0];
  EXPECT_EQ(import_and_export(first, again), first);
  EXPECT_EQ(again, types);
}

}  // namespace
}  // namespace taskledger
