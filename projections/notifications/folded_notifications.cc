#include "projections/notifications/folded_notifications.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "projections/image/prefetch.h"
#include "projections/rebuild/cuts.h"

namespace taskledger::projections {

namespace {
constexpr std::size_t kAhead = 8;  // notes between asking memory for a task's id and reading it
}  // namespace

std::uint32_t FoldedNotifications::actor(const UserId& user) {
  const auto [entry, fresh] = actor_numbers_.try_emplace(user, static_cast<std::uint32_t>(actors_.size()));
  if (fresh) actors_.push_back(user);
  return entry->second;
}

void FoldedNotifications::forget(const std::function<bool(std::uint32_t task)>& erased) {
  for (auto& [id, user] : users_) std::erase_if(user.notes, [&](const Note& note) { return erased(note.task); });
}

// Neighbours are merged until there is one.
void FoldedNotifications::put_in_order(std::vector<Note>& notes, std::vector<std::size_t> ends) {
  const auto at = [&notes](std::size_t index) { return notes.begin() + static_cast<std::ptrdiff_t>(index); };
  const auto older = [](const Note& a, const Note& b) { return a.position < b.position; };
  while (ends.size() > 1) {
    std::vector<std::size_t> merged;
    std::size_t from = 0;
    for (std::size_t i = 0; i < ends.size(); i += 2) {
      const std::size_t middle = ends[i], end = ends[std::min(i + 1, ends.size() - 1)];
      if (from < middle && middle < end && older(notes[middle], notes[middle - 1]))
        std::inplace_merge(at(from), at(middle), at(end), older);
      merged.push_back(end);
      from = end;
    }
    ends = std::move(merged);
  }
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
  NotificationRow row{note.position, note.type, {id_of_(note.task)}, note.version, actors_[note.actor], note.time, {}};
  if (user.read_by_itself(note.position)) row.read_at = user.read.at(note.position);
  return row;
}

FoldedNotifications::Rows FoldedNotifications::rows_of(char table, Users::const_iterator from,
                                                       Users::const_iterator to) const {
  struct Walk {
    Users::const_iterator user;
    std::size_t at = 0;
  };
  return [this, table, to, walk = Walk{from}](std::string& key, std::string& value) mutable {
    for (; walk.user != to; ++walk.user, walk.at = 0) {
      const auto& [workspace, id] = walk.user->first;
      const OfUser& user = walk.user->second;
      if (table == 'a') {
        if (walk.at == user.all_read.size()) continue;
        key = notification_key('a', workspace, id, user.all_read[walk.at].first);
        value = time_value(user.all_read[walk.at++].second);
        return true;
      }
      if (table == 'c') {
        if (walk.at > 0) continue;
        NotificationCounter counter{user.notes.size(), 0, user.read_up_to()};
        if (counter.empty()) continue;
        for (const Note& note : user.notes)
          counter.unread += note.position > counter.read_up_to && !user.read_by_itself(note.position);
        ++walk.at;
        key = notification_key('c', workspace, id);
        value = counter_value(counter);
        return true;
      }
      if (table == 'r' && user.read.empty()) continue;
      while (walk.at < user.notes.size()) {
        const std::size_t left = user.notes.size() - walk.at++;
        if (left > kAhead) prefetch_line(&id_of_(user.notes[left - 1 - kAhead].task));
        const Note& note = user.notes[left - 1];
        if (user.read_by_itself(note.position) != (table == 'r')) continue;
        key.clear();
        value.clear();
        append_notification_key(key, table, workspace, id, note.position);
        append_notification_value(value, row_of(user, note));
        return true;
      }
    }
    return false;
  };
}

FoldedNotifications::Rows FoldedNotifications::in_turn(std::vector<Rows> sources) const {
  return [sources = std::move(sources), at = std::size_t{0}](std::string& key, std::string& value) mutable {
    for (; at < sources.size(); ++at) {
      if (sources[at](key, value)) return true;
    }
    return false;
  };
}

FoldedNotifications::Rows FoldedNotifications::rows() const {
  std::vector<Rows> tables;
  for (const char table : {'a', 'c', 'n', 'r'}) tables.push_back(rows_of(table, users_.begin(), users_.end()));
  return in_turn(std::move(tables));
}

std::size_t FoldedNotifications::size() const {
  std::size_t all = 0;
  for (const auto& [id, user] : users_) all += user.notes.size();
  return all;
}

std::vector<std::function<FoldedNotifications::Rows()>> FoldedNotifications::parts(std::size_t wanted) const {
  std::vector<std::size_t> notes_of;
  for (const auto& [id, user] : users_) notes_of.push_back(user.notes.size());
  std::vector<std::function<Rows()>> parts;
  // Keys of the small tables lie before and after those of 'n': with the first and with the last part.
  const auto add = [&](Users::const_iterator from, Users::const_iterator to) {
    parts.emplace_back([this, from, to] {
      std::vector<Rows> tables;
      if (from == users_.begin()) {
        for (const char table : {'a', 'c'}) tables.push_back(rows_of(table, users_.begin(), users_.end()));
      }
      tables.push_back(rows_of('n', from, to));
      if (to == users_.end()) tables.push_back(rows_of('r', users_.begin(), users_.end()));
      return in_turn(std::move(tables));
    });
  };
  auto from = users_.begin();
  std::size_t at = 0;
  for (const std::size_t end : cuts(notes_of, wanted)) {
    const auto to = std::next(from, static_cast<std::ptrdiff_t>(end - at));
    add(std::exchange(from, to), to);
    at = end;
  }
  return parts;
}

}  // namespace taskledger::projections
