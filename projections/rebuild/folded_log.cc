#include "projections/rebuild/folded_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <random>
#include <thread>
#include <unordered_map>
#include <utility>

#include "core/event.h"
#include "core/notification.h"
#include "projections/image/prefetch.h"
#include "projections/image/uuid_index.h"
#include "projections/list/list_row.h"
#include "projections/rebuild/folded_state.h"
#include "storage/missing_content.h"

namespace taskledger::projections {

namespace {

constexpr std::uint64_t kStretch = 8192;  // records that one thread reads in a row
constexpr std::size_t kAhead = 3;         // records between the steps of asking memory for a task

// A record on its way to its share.
struct Handed {
  storage::Record record;  // without its payload
  std::uint64_t hash;
  std::size_t at, size;  // of the payload; kErased: none
};
constexpr std::size_t kErased = SIZE_MAX;

// Records read by one thread, by share; kept between rounds for the memory they have.
struct Stretch {
  std::array<std::vector<Handed>, 16> of_share;
  std::string text;
  std::map<WorkspaceNumber, WorkspacePosition> workspaces;
  std::vector<Mark> marks;  // `seen` 0: as far as the workspace was before this stretch
  std::optional<storage::ReadError> failed;
};

storage::ReadError unreadable(const storage::Record& record, const std::string& why) {
  return {fmt::format("position {}: event of type {} cannot be read: {}", record.position.value, record.type, why)};
}

std::optional<WorkspaceNumber> workspace_of(const NotificationEvent& event) {
  if (const auto* one = std::get_if<NotificationRead>(&event)) return one->workspace;
  if (const auto* all = std::get_if<NotificationsRead>(&event)) return all->workspace;
  return std::nullopt;
}

bool read_system(Stretch& stretch, const storage::Record& record) {
  if (!record.payload) {
    stretch.failed = storage::content_is_gone(record.position);
    return false;
  }
  auto event = parse_notification_payload(*record.payload);
  if (!event) {
    stretch.failed = storage::ReadError{fmt::format("position {}: {}", record.position.value, event.error().message)};
    return false;
  }
  if (const auto workspace = workspace_of(*event)) {
    const auto here = stretch.workspaces.find(*workspace);
    stretch.marks.push_back(
        {*std::move(event), record.time, here == stretch.workspaces.end() ? WorkspacePosition{} : here->second});
  }
  return true;
}

void read_stretch(Stretch& stretch, const storage::EventLog& log, Position after, Position to, std::uint64_t seed) {
  for (auto& share : stretch.of_share) share.clear();
  stretch.text.clear();
  stretch.workspaces.clear();
  stretch.marks.clear();
  Position reached = after;
  WorkspaceNumber last{0};
  WorkspacePosition* position = nullptr;
  const auto visit = [&](const storage::Record& record) {
    reached = record.position;
    if (record.workspace == kSystemWorkspace || record.type == storage::kSystemRecord)
      return read_system(stretch, record);
    if (position == nullptr || record.workspace != last) {
      last = record.workspace;
      position = &stretch.workspaces[last];
    }
    *position = record.in_workspace;
    const std::uint64_t hash = hash_of_task(record.workspace, record.stream, seed);
    Handed& handed = stretch.of_share[hash % stretch.of_share.size()].emplace_back();
    handed.record = record;
    handed.hash = hash;
    handed.at = stretch.text.size();
    handed.size = record.payload ? record.payload->size() : kErased;
    if (record.payload) stretch.text += *record.payload;
    return true;
  };
  if (auto read = log.read_all(after, to, visit); !read) stretch.failed = read.error();
  if (!stretch.failed && reached != to) stretch.failed = storage::ReadError{"the log ends before its own head"};
}

TASKLEDGER_INLINED void prefetch_payload(const Handed& handed, const std::string& text) {
  if (handed.size == kErased) return;
  for (std::size_t at = 0; at < handed.size; at += 64) prefetch_line(text.data() + handed.at + at);
}

bool carries_data(EventType type) {
  return type == EventType::task_created || type == EventType::task_updated || type == EventType::task_completed;
}

void notify(Share& share, const storage::Record& record, const TaskEvent& event, const Task& after) {
  const auto recipients = recipients_of(event, record.actor, after);
  if (recipients.empty()) return;
  People& people = share.people[record.workspace];
  const std::uint32_t actor = people.number_of(record.actor);
  for (const Recipient& recipient : recipients) {
    people.told[people.number_of(recipient.user)].push_back(
        {record.in_workspace, record.time, share.tasks.last(), actor, record.version, recipient.type});
  }
}

// One record into its share: the same rules as applier.h and notifications.h have.
void fold_one(Share& share, const Handed& handed, std::string_view text) {
  const storage::Record& record = handed.record;
  const auto type = static_cast<EventType>(record.type);
  if (type == EventType::task_erased) {
    share.unexplained.erase({record.workspace, record.stream});
    if (share.tasks.erase(record, handed.hash)) share.erased = true;
    return;
  }
  if (handed.size == kErased) share.unexplained.try_emplace({record.workspace, record.stream}, record.position);
  if (handed.size == kErased && carries_data(type)) return;
  const auto event = parse_event_data(type, handed.size == kErased ? "{}" : text.substr(handed.at, handed.size));
  if (!event) {
    share.failed = unreadable(record, event.error().message);
    return;
  }
  const Task* after = share.tasks.apply(record, handed.hash, *event);
  if (after != nullptr && carries_data(type) && !record.imported) notify(share, record, *event, *after);
}

// Whether the log says, perhaps after what is folded, that the task was erased. What has just been is in its records a
// moment before it is in the log's head.
Result<bool, storage::ReadError> is_erased(const storage::EventLog& log, WorkspaceNumber workspace, const Uuid& task,
                                           int looks) {
  bool erased = false;
  for (int look = 0; look < looks && !erased; ++look) {
    if (look > 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    auto read = log.read_stream(workspace, task, Version{1}, [&](const storage::Record& record) {
      erased = static_cast<EventType>(record.type) == EventType::task_erased;
      return !erased;
    });
    if (!read) return read.error();
  }
  return erased;
}

// That what the shares found without a payload was erased lawfully.
Result<void, storage::ReadError> explain_erasures(FoldedLog::State& state, const storage::EventLog& log) {
  constexpr int kLooks = 20;
  std::optional<Position> bad;
  for (Share& share : state.shares) {
    for (const auto& [task, position] : std::exchange(share.unexplained, {})) {
      if (bad && *bad < position) continue;
      const auto erased = is_erased(log, task.first, task.second, bad ? 1 : kLooks);
      if (!erased) return erased.error();
      if (!*erased) bad = position;
    }
  }
  if (bad) return storage::content_is_gone(*bad);
  return {};
}

}  // namespace

FoldedLog::FoldedLog(Team& team) : state_(std::make_unique<State>(team)) {
  std::random_device device;
  state_->seed = std::uint64_t{device()} << 32 | device();
}
FoldedLog::~FoldedLog() = default;

Position FoldedLog::position() const { return state_->position; }

Result<void, storage::ReadError> FoldedLog::fold(const storage::EventLog& log, Position to,
                                                 const FoldProgress& progress) {
  static_assert(std::tuple_size_v<decltype(Stretch::of_share)> == State::kShares);
  std::vector<Stretch> stretches(state_->team.size() * 2);
  while (state_->position < to) {
    const Position from = state_->position;
    const auto end_of = [&](std::size_t part) { return Position{std::min(to.value, from.value + part * kStretch)}; };
    state_->team.run(stretches.size(), [&](std::size_t part) {
      read_stretch(stretches[part], log, end_of(part), end_of(part + 1), state_->seed);
    });
    for (Stretch& stretch : stretches) {
      if (stretch.failed) return *stretch.failed;
      for (Mark& mark : stretch.marks) {
        const auto known = state_->workspaces.find(*workspace_of(mark.event));
        if (mark.seen.value == 0 && known != state_->workspaces.end()) mark.seen = known->second;
        state_->marks.push_back(mark);
      }
      for (const auto& [workspace, position] : stretch.workspaces) state_->workspaces[workspace] = position;
    }
    state_->team.run(State::kShares, [&](std::size_t at) {
      Share& share = state_->shares[at];
      for (const Stretch& stretch : stretches) {
        const std::vector<Handed>& records = stretch.of_share[at];
        for (std::size_t i = 0; i < records.size() && !share.failed; ++i) {
          if (i + 3 * kAhead < records.size()) share.tasks.prefetch_slot(records[i + 3 * kAhead].hash);
          if (i + 2 * kAhead < records.size()) share.tasks.prefetch_entry(records[i + 2 * kAhead].hash);
          if (i + kAhead < records.size()) {
            share.tasks.prefetch_row(records[i + kAhead].hash);
            prefetch_payload(records[i + kAhead], stretch.text);
          }
          fold_one(share, records[i], stretch.text);
        }
      }
    });
    for (const Share& share : state_->shares) {
      if (share.failed) return *share.failed;
    }
    state_->position = end_of(stretches.size());
    state_->sorted = false;
    if (!progress(state_->position)) return storage::ReadError{"stopped"};
  }
  return explain_erasures(*state_, log);
}

namespace {

// The notifications that the shares found, to those whom they tell.
void take_told(FoldedLog::State& state) {
  using Notes = People::Notes;
  struct Run {
    Notes notes;
    std::uint32_t share;
    const std::vector<std::uint32_t>* actors;  // by the share's numbers
  };
  struct List {
    Notes* notes;
    std::vector<Run> more;
  };
  FoldedNotifications& all = state.notifications;
  std::vector<List> lists;
  std::unordered_map<const Notes*, std::size_t> known;  // the place in `lists`
  std::deque<std::vector<std::uint32_t>> actors;        // of a share's workspace
  for (std::uint32_t number = 0; number < FoldedLog::State::kShares; ++number) {
    for (auto& [workspace, people] : std::exchange(state.shares[number].people, {})) {
      actors.emplace_back();
      for (std::size_t person = 0; person < people.users.size(); ++person) {
        actors.back().push_back(all.actor(people.users[person]));
        if (people.told[person].empty()) continue;  // who only acts has no list
        Notes& notes = all.notes_of(workspace, people.users[person]);
        const auto [entry, fresh] = known.try_emplace(&notes, lists.size());
        if (fresh) lists.push_back({&notes, {}});
        lists[entry->second].more.push_back({std::move(people.told[person]), number, &actors.back()});
      }
    }
  }
  state.team.run(lists.size(), [&](std::size_t at) {
    Notes& notes = *lists[at].notes;
    std::size_t size = notes.size();
    for (const Run& run : lists[at].more) size += run.notes.size();
    notes.reserve(size);
    std::vector<std::size_t> ends{notes.size()};
    for (Run& run : lists[at].more) {
      for (const auto& told : run.notes) {
        auto& note = notes.emplace_back(told);
        note.task = note.task * std::uint32_t{FoldedLog::State::kShares} + run.share;
        note.actor = (*run.actors)[note.actor];
      }
      ends.push_back(notes.size());
      run.notes = {};
    }
    FoldedNotifications::put_in_order(notes, std::move(ends));
  });
}

// A task that is erased after it was folded takes its notifications along: who folds the log anew finds none.
void forget_erased(FoldedLog::State& state) {
  bool any = false;
  for (Share& share : state.shares) any |= std::exchange(share.erased, false);
  if (!any) return;
  state.notifications.forget([&](std::uint32_t task) {
    const FoldedTasks& tasks = state.shares[task % state.shares.size()].tasks;
    return tasks.entry(task / static_cast<std::uint32_t>(state.shares.size())).lifecycle == Lifecycle::erased;
  });
}

// What is in the rows of `order`, each looked at once: by all threads, each with holders of its own first.
void take_facts(FoldedLog::State& state) {
  constexpr std::size_t kAhead = 8;  // rows between the steps of asking memory for them
  struct HashOfHolder {
    std::size_t operator()(const Holder& holder) const {
      return std::hash<Uuid>{}(holder.user) ^ (std::size_t{holder.workspace.value} * 0x9e3779b97f4a7c15ull) ^
             holder.nobody;
    }
  };
  struct Part {
    std::size_t from, to;
    std::unordered_map<Holder, std::uint32_t, HashOfHolder> numbers;
    std::vector<Holder> holders;  // by number
  };
  const auto& order = state.order;
  state.facts.resize(order.size());
  std::vector<Part> parts(state.team.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].from = order.size() * i / parts.size();
    parts[i].to = order.size() * (i + 1) / parts.size();
  }
  state.team.run(parts.size(), [&](std::size_t at) {
    Part& part = parts[at];
    for (std::size_t i = part.from; i < part.to; ++i) {
      if (i + 2 * kAhead < part.to) state.prefetch_entry(order[i + 2 * kAhead]);
      if (i + kAhead < part.to) state.prefetch_row(order[i + kAhead]);
      const ListFacts facts = list_facts(state.row(order[i]));
      const Holder holder{{order[i].workspace}, !facts.assigned, facts.assignee};
      const auto [known, fresh] = part.numbers.try_emplace(holder, static_cast<std::uint32_t>(part.holders.size()));
      if (fresh) part.holders.push_back(holder);
      state.facts[i] = {facts.due, facts.completed, known->second, facts.cell};
    }
  });
  std::vector<Holder>& holders = state.holders;
  holders.clear();
  for (const Part& part : parts) holders.insert(holders.end(), part.holders.begin(), part.holders.end());
  std::sort(holders.begin(), holders.end());
  holders.erase(std::unique(holders.begin(), holders.end()), holders.end());
  state.team.run(parts.size(), [&](std::size_t at) {
    const Part& part = parts[at];
    std::vector<std::uint32_t> ranks;
    for (const Holder& holder : part.holders) {
      const auto found = std::lower_bound(holders.begin(), holders.end(), holder);
      ranks.push_back(static_cast<std::uint32_t>(found - holders.begin()));
    }
    for (std::size_t i = part.from; i < part.to; ++i) state.facts[i].holder = ranks[state.facts[i].holder];
  });
}

// The live tasks of all shares, in key order.
void sort_order(FoldedLog::State& state) {
  std::vector<TaskRef>& order = state.order;
  order.clear();
  for (std::size_t share = 0; share < FoldedLog::State::kShares; ++share) {
    const FoldedTasks& tasks = state.shares[share].tasks;
    for (std::uint32_t number = 0; number < tasks.size(); ++number) {
      const FoldedTasks::Entry& entry = tasks.entry(number);
      if (entry.lifecycle != Lifecycle::live) continue;
      order.push_back({words_of(entry.id).high, entry.workspace.value,
                       static_cast<std::uint32_t>(number * FoldedLog::State::kShares + share)});
    }
  }
  const auto less = [&](const TaskRef& a, const TaskRef& b) {
    if (a.workspace != b.workspace) return a.workspace < b.workspace;
    if (a.high != b.high) return a.high < b.high;
    return words_of(state.entry(a).id).low < words_of(state.entry(b).id).low;
  };
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
  const auto sort_half = [&](std::size_t half) {
    half == 0 ? std::sort(order.begin(), middle, less) : std::sort(middle, order.end(), less);
  };
  state.team.run(2, sort_half);
  std::inplace_merge(order.begin(), middle, order.end(), less);
}

}  // namespace

void FoldedLog::sort() {
  if (std::exchange(state_->sorted, true)) return;
  sort_order(*state_);
  take_facts(*state_);
  take_told(*state_);
  forget_erased(*state_);
  for (const Mark& mark : state_->marks) state_->notifications.mark(mark.event, mark.time, mark.seen);
  state_->marks.clear();
}

std::optional<std::string_view> FoldedLog::list_row(WorkspaceNumber workspace, const Uuid& task) const {
  const std::uint64_t hash = hash_of_task(workspace, task, state_->seed);
  return state_->shares[hash % State::kShares].tasks.find(workspace, task, hash);
}

std::uint64_t FoldedLog::tasks(WorkspaceNumber workspace) const {
  const auto& order = state_->order;
  const auto before = [](const TaskRef& ref, std::uint32_t number) { return ref.workspace < number; };
  const auto from = std::lower_bound(order.begin(), order.end(), workspace.value, before);
  return static_cast<std::uint64_t>(std::lower_bound(from, order.end(), workspace.value + 1, before) - from);
}

}  // namespace taskledger::projections
