// What a FoldedLog holds; for its own files only.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "projections/image/prefetch.h"
#include "projections/notifications/folded_notifications.h"
#include "projections/rebuild/folded_log.h"
#include "projections/rebuild/folded_tasks.h"

namespace taskledger::projections {

// A notification as one share's fold finds it; users and tasks by the share's numbers.
struct Told {
  FoldedNotifications::Note note;
  std::uint32_t user = 0;
};

// A system record that marks notifications as read.
struct Mark {
  NotificationEvent event;
  Timestamp time;
  WorkspacePosition seen;  // of its workspace at that point of the log
};

// The tasks whose hash falls into it.
struct Share {
  FoldedTasks tasks;
  std::deque<Told> told;  // grows without moving
  bool erased = false;    // a task that had been folded, perhaps with notifications told
  // Tasks with a record whose payload is gone, the first of each, until their TaskErased comes.
  std::map<std::pair<WorkspaceNumber, Uuid>, Position> unexplained;
  std::vector<UserId> people;
  std::unordered_map<UserId, std::uint32_t> numbers;  // of people
  [[nodiscard]] std::uint32_t number_of(const UserId& user) {
    const auto [entry, fresh] = numbers.try_emplace(user, static_cast<std::uint32_t>(people.size()));
    if (fresh) people.push_back(user);
    return entry->second;
  }
  std::optional<storage::ReadError> failed;
};

// A live task in key order of `list`; ties of `high` are settled by the whole id.
struct TaskRef {
  std::uint64_t high;
  std::uint32_t workspace, number;  // number: in its share * kShares + share
};

// What of a row the projections other than `list` are made of; `holder` is the rank of its assignee (or nobody).
struct TaskFacts {
  std::int64_t due = 0, completed = 0;  // ms, or kNoTime
  std::uint32_t holder = 0;
  std::uint16_t cell = 0;
};

// An assignee (or nobody) of a workspace.
struct Holder {
  WorkspaceNumber workspace;
  bool nobody = false;
  Uuid user;
  friend auto operator<=>(const Holder&, const Holder&) = default;
  [[nodiscard]] const Uuid* pointer() const { return nobody ? nullptr : &user; }
};

struct FoldedLog::State {
  static constexpr std::size_t kShares = 16;

  explicit State(Team& given) : team(given) {}
  Team& team;
  std::uint64_t seed = 0;
  std::array<Share, kShares> shares;
  Position position;
  std::map<WorkspaceNumber, WorkspacePosition> workspaces;
  std::vector<Mark> marks;  // in the order of the log
  // Made by sort(), which the notifications told and the marks go into.
  bool sorted = false;
  std::vector<TaskRef> order;
  std::vector<TaskFacts> facts;  // of the same tasks, in the same order
  std::vector<Holder> holders;   // in key order
  FoldedNotifications notifications{[this](std::uint32_t number) {
    const FoldedTasks::Entry& task = std::as_const(shares[number % kShares].tasks).entry(number / kShares);
    return std::pair(task.workspace, task.id);
  }};

  [[nodiscard]] const FoldedTasks::Entry& entry(const TaskRef& ref) const {
    return shares[ref.number % kShares].tasks.entry(ref.number / kShares);
  }
  // Asks memory for what row() and entry() will look at, the second once the first is there.
  TASKLEDGER_INLINED void prefetch_entry(const TaskRef& ref) const { prefetch_line(&entry(ref)); }
  TASKLEDGER_INLINED void prefetch_row(const TaskRef& ref) const {
    const std::string_view bytes = row(ref);
    prefetch_line(bytes.data());
    prefetch_line(bytes.data() + 64);
  }
  [[nodiscard]] std::string_view row(const TaskRef& ref) const {
    return shares[ref.number % kShares].tasks.row(entry(ref));
  }
};

}  // namespace taskledger::projections
