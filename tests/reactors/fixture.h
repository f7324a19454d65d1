// A log in memory with a workspace, and events to put into it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>

#include "core/event.h"
#include "storage/event_log.h"
#include "storage/memory_event_log.h"
#include "storage/memory_reactor_store.h"

namespace taskledger::reactors {

inline constexpr WorkspaceNumber kWorkspace{3}, kOtherWorkspace{4};
inline const WorkspaceId kWorkspaceId = workspace_id_of("acme");
inline const UserId kActor{*parse_uuid("00000000-0000-4000-8000-00000000000a")};

inline TaskId task_number(unsigned n) {
  TaskId id;
  id.value.bytes[14] = static_cast<std::uint8_t>(n >> 8);
  id.value.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

class LogFixture {
 public:
  explicit LogFixture(Clock clock) : log(storage::make_memory_event_log(std::move(clock))) {}

  // The task's next event: its creation, then renamings.
  void add(unsigned task, bool imported = false, WorkspaceNumber workspace = kWorkspace) {
    auto& version = versions[{workspace, task}];
    if (version == 0) {
      append(task,
             TaskCreated{{.title = "task " + std::to_string(task),
                          .due_date = {},
                          .priority = {},
                          .action_type = {},
                          .assigned_to = {},
                          .links = {}}},
             imported, workspace);
    } else {
      TaskPatch patch;
      patch.title = "renamed " + std::to_string(version);
      append(task, TaskUpdated{patch}, imported, workspace);
    }
  }

  void append(unsigned task, const TaskEvent& event, bool imported = false, WorkspaceNumber workspace = kWorkspace) {
    const std::lock_guard lock(mutex);
    auto& version = versions[{workspace, task}];
    storage::Commit commit;
    commit.workspace = workspace;
    commit.actor = kActor;
    commit.imported = imported;
    commit.expected.push_back({task_number(task).value, {version}});
    commit.records.push_back({.stream = task_number(task).value,
                              .type = static_cast<std::uint8_t>(type_of(event)),
                              .payload = event_data(event),
                              .time = imported ? std::optional(Timestamp{1'000}) : std::nullopt,
                              .id = {},
                              .trace = {}});
    if (type_of(event) == EventType::task_erased) commit.erase.push_back(task_number(task).value);
    ++version;
    log->append(std::move(commit), [](const storage::EventLog::Appending& done) { ASSERT_TRUE(done); });
  }

  std::unique_ptr<storage::EventLog> log;
  storage::MemoryReactorStore store;
  std::mutex mutex;
  std::map<std::pair<WorkspaceNumber, unsigned>, std::uint32_t> versions;
};

// Seeded, any thread.
inline RandomBytes seeded_bytes(std::uint64_t seed) {
  auto engine = std::make_shared<std::pair<std::mutex, std::mt19937_64>>();
  engine->second.seed(seed);
  return [engine](std::span<std::uint8_t> out) {
    const std::lock_guard lock(engine->first);
    for (auto& byte : out) byte = static_cast<std::uint8_t>(engine->second());
  };
}

}  // namespace taskledger::reactors
