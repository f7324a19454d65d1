// TaskStates: what is kept comes back whole.
#include "app/task_states.h"

#include <gtest/gtest.h>

#include <random>

namespace taskledger::app {
namespace {

using Random = std::mt19937_64;

Uuid random_uuid(Random& random) {
  Uuid uuid;
  for (auto& byte : uuid.bytes) byte = static_cast<std::uint8_t>(random());
  return uuid;
}
bool chance(Random& random) { return random() % 2 == 0; }
Timestamp random_time(Random& random) {
  return {static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(kMaxTimestamp.ms))};
}

Task random_task(Random& random) {
  Task task;
  task.id = {random_uuid(random)};
  task.lifecycle = static_cast<Lifecycle>(random() % 4);
  task.version = {static_cast<std::uint32_t>(random())};
  for (std::size_t i = random() % (kMaxTitleCharacters + 1); i > 0; --i) task.fields.title += "\U0001F600";
  if (chance(random)) task.fields.due_date = random_time(random);
  if (chance(random)) task.fields.priority = static_cast<Priority>(random() % 3 + 1);
  if (chance(random)) task.fields.action_type = static_cast<ActionType>(random() % 5 + 1);
  if (chance(random)) task.fields.assigned_to = UserId{random_uuid(random)};
  for (std::size_t i = random() % (kMaxLinks + 1); i > 0; --i)
    task.fields.links.push_back({EntityId{random_uuid(random)}, static_cast<EntityType>(random() % 3 + 1)});
  if (chance(random)) task.completed_at = random_time(random);
  if (chance(random)) task.completed_by = UserId{random_uuid(random)};
  task.created_by = {random_uuid(random)};
  task.created_at = random_time(random);
  task.updated_at = random_time(random);
  return task;
}

TEST(TaskStates, WhatIsKeptComesBackWhole) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  TaskStates states;
  std::vector<Task> tasks;
  for (int i = 0; i < 300; ++i) tasks.push_back(random_task(random));
  for (const Task& task : tasks) states.keep(task);
  for (std::size_t i = 0; i < tasks.size(); i += 3) {  // some of them once more, changed
    const TaskId id = tasks[i].id;
    tasks[i] = random_task(random);
    tasks[i].id = id;
    states.keep(tasks[i]);
  }
  EXPECT_EQ(states.size(), tasks.size());
  for (const Task& task : tasks) EXPECT_EQ(states.find(task.id), task);
  EXPECT_EQ(states.find(TaskId{random_uuid(random)}), std::nullopt);
}

}  // namespace
}  // namespace taskledger::app
