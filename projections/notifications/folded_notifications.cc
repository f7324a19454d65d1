#include "projections/notifications/folded_notifications.h"

#include <algorithm>
#include <memory>
#include <tuple>

#include "projections/image/uuid_index.h"

namespace taskledger::projections {

std::uint32_t FoldedNotifications::actor(const UserId& user) {
  const auto [entry, fresh] = actor_numbers_.try_emplace(user, static_cast<std::uint32_t>(actors_.size()));
  if (fresh) actors_.push_back(user);
  return entry->second;
}

void FoldedNotifications::settle(Team& team) {
  std::vector<OfUser*> all;
  for (auto& [id, user] : users_) all.push_back(&user);
  team.run(all.size(), [&](std::size_t at) {
    std::vector<Note>& notes = all[at]->notes;
    std::sort(notes.begin(), notes.end(), [](const Note& a, const Note& b) { return a.position < b.position; });
  });
}

void FoldedNotifications::mark(const NotificationEvent& event, Timestamp time, WorkspacePosition seen) {
  if (const auto* one = std::get_if<NotificationRead>(&event)) {
    OfUser& user = users_[{one->workspace, one->user}];
    const auto note = std::lower_bound(user.notes.begin(), user.notes.end(), one->position,
                                       [](const Note& note, WorkspacePosition at) { return note.position < at; });
    const bool there = note != user.notes.end() && note->position == one->position && note->position <= seen;
    if (there && note->position > user.read_up_to()) user.read.try_emplace(note->position, time);
  } else if (const auto* all = std::get_if<NotificationsRead>(&event)) {
    OfUser& user = users_[{all->workspace, all->user}];
    if (all->up_to > user.read_up_to()) user.all_read.emplace_back(all->up_to, time);
  }
}

NotificationRow FoldedNotifications::row_of(const OfUser& user, const Note& note) const {
  NotificationRow row{note.position, note.type, {task_of_(note.task).second}, note.version, actors_[note.actor],
                      note.time,     {}};
  if (user.read_by_itself(note.position)) row.read_at = user.read.at(note.position);
  return row;
}

// The tables that are in the order of users.
FoldedNotifications::Rows FoldedNotifications::rows_of_users(char table) const {
  struct Walk {
    Users::const_iterator user;
    std::size_t at = 0;
  };
  return [this, table, walk = Walk{users_.begin()}](std::string& key, std::string& value) mutable {
    for (; walk.user != users_.end(); ++walk.user, walk.at = 0) {
      const auto& [workspace, id] = walk.user->first;
      const OfUser& user = walk.user->second;
      if (table == 'a') {
        if (walk.at == user.all_read.size()) continue;
        key = notification_key('a', workspace, id, user.all_read[walk.at].first);
        value = time_value(user.all_read[walk.at++].second);
        return true;
      }
      if (table == 'c') {
        NotificationCounter counter{0, user.read_up_to()};
        for (const Note& note : user.notes)
          counter.unread += note.position > counter.read_up_to && !user.read_by_itself(note.position);
        if (walk.at > 0 || counter.empty()) continue;
        ++walk.at;
        key = notification_key('c', workspace, id);
        value = counter_value(counter);
        return true;
      }
      while (walk.at < user.notes.size()) {
        const Note& note = user.notes[user.notes.size() - ++walk.at];
        if (table == 'u' && user.read_by_itself(note.position)) continue;
        key = notification_key(table, workspace, id, note.position);
        table == 'n' ? void(value = notification_value(row_of(user, note))) : value.clear();
        return true;
      }
    }
    return false;
  };
}

// Table 't': the notes grouped by their tasks, these in the order of their ids.
class FoldedNotifications::OfTasks {
 public:
  explicit OfTasks(const FoldedNotifications& of) {
    std::vector<std::uint32_t> start;  // by task number, then where the next of its notes goes
    for (const auto& [id, user] : of.users_) {
      for (const Note& note : user.notes) {
        if (note.task + 2 > start.size()) start.resize(std::max<std::size_t>(note.task + 2, start.size() * 5 / 4));
        ++start[note.task + 1];
      }
    }
    for (std::uint32_t task = 0; task + 1 < start.size(); ++task) {
      if (start[task + 1] > 0) {
        const auto [workspace, id] = of.task_of_(task);
        tasks_.push_back({words_of(id), workspace, start[task], start[task + 1]});
      }
      start[task + 1] += start[task];
    }
    notes_.resize(start.empty() ? 0 : start.back());
    std::uint32_t rank = 0;
    for (const auto& [id, user] : of.users_) {
      users_.push_back(id.second);
      for (const Note& note : user.notes) notes_[start[note.task]++] = {note.position, rank};
      ++rank;
    }
    std::sort(tasks_.begin(), tasks_.end(), [](const OfTask& a, const OfTask& b) {
      return std::tie(a.workspace, a.id) < std::tie(b.workspace, b.id);
    });
  }
  bool next(std::string& key, std::string& value) {
    if (left_ == 0) {
      if (task_ == tasks_.size()) return false;
      const OfTask& task = tasks_[task_++];
      at_ = task.first;
      left_ = task.count;
      const auto begin = notes_.begin() + at_;
      std::sort(begin, begin + left_, [](const OfNote& a, const OfNote& b) {
        return std::tie(a.user, a.position) < std::tie(b.user, b.position);
      });
    }
    --left_;
    const OfNote& note = notes_[at_++];
    const OfTask& task = tasks_[task_ - 1];
    key = notifications_of_task_key(task.workspace, {uuid_of(task.id)}, users_[note.user], note.position);
    value.clear();
    return true;
  }

 private:
  struct OfNote {
    WorkspacePosition position;
    std::uint32_t user = 0;
  };
  struct OfTask {
    UuidWords id;
    WorkspaceNumber workspace;
    std::uint32_t first, count;
  };

  std::vector<OfTask> tasks_;
  std::vector<OfNote> notes_;
  std::vector<UserId> users_;  // in key order
  std::size_t task_ = 0;
  std::uint32_t at_ = 0, left_ = 0;
};

FoldedNotifications::Rows FoldedNotifications::rows(std::string_view tables) const {
  return [this, tables = std::string(tables), source = Rows(), at = std::size_t{0}](std::string& key,
                                                                                    std::string& value) mutable {
    for (;; source = nullptr) {
      if (!source) {
        if (at == tables.size()) return false;
        const char table = tables[at++];
        if (table == 't') {
          source = [all = std::make_shared<OfTasks>(*this)](std::string& k, std::string& v) { return all->next(k, v); };
        } else {
          source = rows_of_users(table);
        }
      }
      if (source(key, value)) return true;
    }
  };
}

}  // namespace taskledger::projections
