// What a FoldedLog holds; for its own files only.
#pragma once

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "projections/image/prefetch.h"
#include "projections/image/uuid_index.h"
#include "projections/notifications/folded_notifications.h"
#include "projections/rebuild/folded_log.h"
#include "projections/rebuild/folded_tasks.h"

namespace taskledger::projections {

// A system record that marks notifications as read.
struct Mark {
  NotificationEvent event;
  Timestamp time;
  WorkspacePosition seen;  // of its workspace at that point of the log
};

// Who is told or acts in a workspace, as one share's fold finds them.
struct People {
  using Notes = std::vector<FoldedNotifications::Note>;
  std::vector<UserId> users;  // by number
  std::vector<Notes> told;    // of each, oldest first; tasks and actors by the share's numbers

  [[nodiscard]] std::uint32_t number_of(const UserId& user) {
    const auto user_at = [this](std::uint32_t number) -> const Uuid& { return users[number].value; };
    if (const auto known = index.find(user.value, user_at)) return *known;
    const auto number = static_cast<std::uint32_t>(users.size());
    users.push_back(user);
    told.emplace_back();
    index.insert(number, user_at);
    return number;
  }
  UuidIndex index;
};

// The tasks whose hash falls into it.
struct Share {
  FoldedTasks tasks;
  std::map<WorkspaceNumber, People> people;
  bool erased = false;  // a task that had been folded, perhaps with notifications told
  // Tasks with a record whose payload is gone, the first of each, until their TaskErased comes.
  std::map<std::pair<WorkspaceNumber, Uuid>, Position> unexplained;
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
  FoldedNotifications notifications{[this](std::uint32_t number) -> const Uuid& {
    return std::as_const(shares[number % kShares].tasks).entry(number / kShares).id;
  }};

  [[nodiscard]] const FoldedTasks::Entry& entry(const TaskRef& ref) const {
    return shares[ref.number % kShares].tasks.entry(ref.number / kShares);
  }
  // Asks memory for a task's place in the order, for what entry() will look at, and row(): each once the one before is
  // there.
  TASKLEDGER_INLINED void prefetch_ref(std::size_t at) const { prefetch_line(&order[at]); }
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
