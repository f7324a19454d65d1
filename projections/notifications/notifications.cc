#include "projections/notifications/notifications.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "storage/missing_content.h"

namespace taskledger::projections {

namespace {

using storage::ReadError;

ReadError damaged(std::string_view what) { return {fmt::format("views: {} of notifications is damaged", what)}; }

// The first key after all that begin with `prefix`.
std::string end_of(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

}  // namespace

void Notifications::apply(const storage::Record& record, const TaskEvent& event, const Task& task) {
  const auto recipients = recipients_of(event, record.actor, task);
  if (recipients.empty()) return;
  const std::lock_guard lock(noting_);
  for (const Recipient& told : recipients) {
    noted_.push_back(
        {record.workspace,
         told.user,
         {record.in_workspace, told.type, {record.stream}, record.version, record.actor, record.time, {}}});
  }
  noted_count_ = noted_.size();
}

Notifications::Outcome<void> Notifications::apply_system(const storage::Record& record) {
  if (!record.payload) return storage::content_is_gone(record.position);
  const auto event = parse_notification_payload(*record.payload);
  if (!event) return ReadError{fmt::format("position {}: {}", record.position.value, event.error().message)};
  if (std::holds_alternative<std::monostate>(*event)) return {};
  const std::unique_lock lock(mutex_);
  if (auto settled = settle(); !settled) return settled;
  if (const auto* one = std::get_if<NotificationRead>(&*event)) return mark_read(*one, record.time);
  return mark_all_read(std::get<NotificationsRead>(*event), record.time);
}

Notifications::Outcome<void> Notifications::mark_read(const NotificationRead& event, Timestamp time) {
  auto counted = counter(event.workspace, event.user);
  if (!counted) return counted.error();
  auto found = row(event.workspace, event.user, event.position);
  if (!found) return found.error();
  if (!*found || (*found)->read_at.ms != 0 || event.position <= counted->read_up_to) return {};
  (*found)->read_at = time;
  put(notification_key('n', event.workspace, event.user, event.position), std::nullopt);
  put(notification_key('r', event.workspace, event.user, event.position), notification_value(**found));
  --counted->unread;
  put_counter(event.workspace, event.user, *counted);
  return {};
}

Notifications::Outcome<void> Notifications::mark_all_read(const NotificationsRead& event, Timestamp time) {
  auto counted = counter(event.workspace, event.user);
  if (!counted) return counted.error();
  if (event.up_to <= counted->read_up_to) return {};
  put(notification_key('a', event.workspace, event.user, event.up_to), time_value(time));
  counted->read_up_to = event.up_to;
  counted->unread = 0;
  // What came after the request's position is still unread: newest first, to there.
  auto scanned = scan(notification_key('n', event.workspace, event.user),
                      notification_key('n', event.workspace, event.user, event.up_to),
                      [&](std::string_view, std::string_view) { return ++counted->unread, true; });
  if (!scanned) return scanned;
  put_counter(event.workspace, event.user, *counted);
  return {};
}

Notifications::Outcome<void> Notifications::forget(WorkspaceNumber workspace,
                                                   const std::vector<WorkspacePosition>& events) {
  const std::unique_lock lock(mutex_);
  if (auto settled = settle(); !settled) return settled;
  std::vector<std::pair<UserId, NotificationCounter>> users;
  bool readable = true;
  const std::string counters = notification_key('c', workspace);
  auto scanned = scan(counters, end_of(counters), [&](std::string_view key, std::string_view value) {
    readable = read_counter(value, users.emplace_back(user_of_notification_key(key), NotificationCounter{}).second);
    if (users.back().second.notifications == 0) users.pop_back();
    return readable;
  });
  if (!scanned) return scanned;
  if (!readable) return damaged("a counter");
  std::vector<WorkspacePosition> newest_first = events;
  std::sort(newest_first.begin(), newest_first.end(), std::greater<>());
  for (auto& [user, counted] : users) {
    const NotificationCounter before = counted;
    for (const char table : {'n', 'r'}) {
      const auto told = among(table, workspace, user, newest_first);
      if (!told) return told.error();
      for (const WorkspacePosition position : *told) {
        put(notification_key(table, workspace, user, position), std::nullopt);
        --counted.notifications;
        if (table == 'n' && position > counted.read_up_to) --counted.unread;
      }
    }
    if (counted.notifications != before.notifications) put_counter(workspace, user, counted);
  }
  return {};
}

Notifications::Outcome<std::vector<WorkspacePosition>> Notifications::among(
    char table, WorkspaceNumber workspace, const UserId& user,
    const std::vector<WorkspacePosition>& newest_first) const {
  constexpr int kSteps = 8;  // through rows that are none of them, before the next one is looked for
  const std::string to = end_of(notification_key(table, workspace, user));
  std::vector<WorkspacePosition> found;
  auto next = newest_first.begin();
  for (bool more = true; more && next != newest_first.end();) {
    more = false;
    int steps = 0;
    auto scanned =
        scan(notification_key(table, workspace, user, *next), to, [&](std::string_view key, std::string_view) {
          more = true;
          const WorkspacePosition position = position_of_notification_key(key);
          next = std::lower_bound(next, newest_first.end(), position, std::greater<>());
          if (next != newest_first.end() && *next == position) found.push_back(*next++);
          return next != newest_first.end() && ++steps < kSteps;
        });
    if (!scanned) return scanned.error();
  }
  return found;
}

Notifications::Outcome<NotificationRows> Notifications::page(WorkspaceNumber workspace, const UserId& user,
                                                             bool unread_only, std::optional<WorkspacePosition> before,
                                                             std::size_t limit) const {
  const auto reading = read();
  if (!reading) return reading.error();
  const auto counted = counter(workspace, user);
  if (!counted) return counted.error();
  NotificationRows page;
  page.unread = counted->unread;
  if (before && before->value == 0) return page;
  const auto from = [&](char table) {
    return before ? notification_key(table, workspace, user, {before->value - 1})
                  : notification_key(table, workspace, user);
  };
  // Unread ones lie before all that "read up to" covers.
  const std::string to = unread_only ? notification_key('n', workspace, user, counted->read_up_to)
                                     : end_of(notification_key('n', workspace, user));
  if (auto found = rows_from(from('n'), to, limit, page.rows); !found) return found.error();
  if (!unread_only) {
    const auto unread = static_cast<std::ptrdiff_t>(page.rows.size());
    auto found = rows_from(from('r'), end_of(notification_key('r', workspace, user)), limit, page.rows);
    if (!found) return found.error();
    std::inplace_merge(page.rows.begin(), page.rows.begin() + unread, page.rows.end(),
                       [](const NotificationRow& a, const NotificationRow& b) { return a.position > b.position; });
  }
  page.more = page.rows.size() > limit;
  if (page.more) page.rows.resize(limit);
  if (auto filled = fill_read_times(workspace, user, counted->read_up_to, page.rows); !filled) return filled.error();
  return page;
}

Notifications::Outcome<void> Notifications::rows_from(const std::string& from, const std::string& to, std::size_t limit,
                                                      std::vector<NotificationRow>& rows) const {
  bool readable = true;
  std::size_t left = limit + 1;
  auto scanned = scan(from, to, [&](std::string_view key, std::string_view value) {
    readable = read_notification_row(key, value, rows.emplace_back());
    return readable && --left != 0;
  });
  if (scanned && !readable) return damaged("a row");
  return scanned;
}

Notifications::Outcome<void> Notifications::fill_read_times(WorkspaceNumber workspace, const UserId& user,
                                                            WorkspacePosition read_up_to,
                                                            std::vector<NotificationRow>& rows) const {
  // From the oldest on, so that one walk over the 'a' rows serves the page; there are no more of them than
  // notifications.
  auto row = rows.rbegin();
  while (row != rows.rend() && row->read_at.ms != 0) ++row;
  if (row == rows.rend() || row->position > read_up_to) return {};
  return scan(notification_key('a', workspace, user, row->position), end_of(notification_key('a', workspace, user)),
              [&](std::string_view key, std::string_view value) {
                const WorkspacePosition up_to = position_of_notification_key(key);
                for (; row != rows.rend() && row->position <= up_to; ++row) {
                  if (row->read_at.ms == 0) row->read_at = read_time(value);
                }
                return row != rows.rend();
              });
}

Notifications::Outcome<std::optional<bool>> Notifications::unread(WorkspaceNumber workspace, const UserId& user,
                                                                  WorkspacePosition position) const {
  const auto reading = read();
  if (!reading) return reading.error();
  const auto counted = counter(workspace, user);
  if (!counted) return counted.error();
  const auto found = row(workspace, user, position);
  if (!found) return found.error();
  if (!*found) return std::optional<bool>();
  return std::optional<bool>((*found)->read_at.ms == 0 && position > counted->read_up_to);
}

Notifications::Outcome<std::uint64_t> Notifications::unread_count(WorkspaceNumber workspace, const UserId& user) const {
  const auto reading = read();
  if (!reading) return reading.error();
  const auto counted = counter(workspace, user);
  if (!counted) return counted.error();
  return counted->unread;
}

Notifications::Outcome<Notifications::Reading> Notifications::read() const {
  Reading reading{std::shared_lock(mutex_), {}};
  if (noted_count_ == 0 && frozen_noted_.empty()) return reading;
  reading.shared.unlock();
  reading.alone = std::unique_lock(mutex_);
  if (auto settled = settle(); !settled) return settled.error();
  return reading;
}

Notifications::Outcome<void> Notifications::settle() const {
  if (auto settled = settle(frozen_noted_, frozen_noted_.size(), frozen_); !settled) return settled;
  std::vector<Noted> noted;
  {
    const std::lock_guard lock(noting_);
    noted.swap(noted_);
    noted_count_ = 0;
  }
  auto settled = settle(noted, noted.size(), changes_);
  if (!settled) {
    const std::lock_guard lock(noting_);
    noted_.insert(noted_.end(), noted.begin(), noted.end());
    noted_count_ = noted_.size();
  }
  changed_count_ = changes_.size();
  return settled;
}

// Takes the last `count`: their order is of no matter. All of them or, on an error, none.
Notifications::Outcome<void> Notifications::settle(std::vector<Noted>& noted, std::size_t count, Changes& into) const {
  const auto begin = noted.end() - static_cast<std::ptrdiff_t>(count);
  std::sort(begin, noted.end(), [](const Noted& a, const Noted& b) {
    return std::tie(a.workspace, a.user, a.row.position) < std::tie(b.workspace, b.user, b.row.position);
  });
  const auto same_user = [](const Noted& a, const Noted& b) { return a.workspace == b.workspace && a.user == b.user; };
  std::vector<NotificationCounter> counters;  // of each user, in order
  for (auto at = begin; at != noted.end(); ++at) {
    if (at != begin && same_user(*at, *std::prev(at))) continue;
    const auto counted = counter(at->workspace, at->user);
    if (!counted) return counted.error();
    counters.push_back(*counted);
  }
  auto counted = counters.begin();
  for (auto at = begin; at != noted.end(); ++at) {
    into.insert_or_assign(notification_key('n', at->workspace, at->user, at->row.position),
                          notification_value(at->row));
    ++counted->notifications;
    ++counted->unread;
    if (std::next(at) != noted.end() && same_user(*at, *std::next(at))) continue;
    into.insert_or_assign(notification_key('c', at->workspace, at->user), counter_value(*counted++));
  }
  noted.erase(begin, noted.end());
  return {};
}

void Notifications::freeze() {
  const std::scoped_lock lock(mutex_, noting_);
  frozen_ = std::exchange(changes_, {});
  frozen_noted_ = std::exchange(noted_, {});
  changed_count_ = noted_count_ = 0;
}

Notifications::Outcome<storage::RowChanges> Notifications::frozen_rows() {
  constexpr std::size_t kAtOnce = 512;  // that readers wait for
  for (bool more = true; more;) {
    const std::unique_lock lock(mutex_);
    if (auto settled = settle(frozen_noted_, std::min(kAtOnce, frozen_noted_.size()), frozen_); !settled)
      return settled.error();
    more = !frozen_noted_.empty();
  }
  // From here on it does not change: no lock, so that nobody waits for a large copy.
  storage::RowChanges rows;
  for (const auto& [key, value] : frozen_) rows.change(key, value);
  return rows;
}

void Notifications::take_over(Notifications& other, const std::function<void()>& switch_generation) {
  const std::scoped_lock lock(mutex_, other.mutex_, noting_, other.noting_);
  changes_ = std::exchange(other.changes_, {});
  noted_ = std::exchange(other.noted_, {});
  frozen_.clear();
  frozen_noted_.clear();
  changed_count_ = changes_.size();
  noted_count_ = noted_.size();
  switch_generation();
}

void Notifications::written() {
  const std::unique_lock lock(mutex_);
  frozen_.clear();
}

Notifications::Outcome<std::optional<std::string>> Notifications::get(std::string_view key) const {
  for (const Changes* changes : {&changes_, &frozen_}) {
    if (const auto found = changes->find(key); found != changes->end()) return found->second;
  }
  return views_.get(kNotificationsProjection, generation_, key);
}

// The three layers merged by key; an upper one hides a lower one's row.
Notifications::Outcome<void> Notifications::scan(const std::string& from, const std::string& to,
                                                 const Visit& visit) const {
  auto upper = changes_.lower_bound(from), lower = frozen_.lower_bound(from);
  const auto upper_end = changes_.lower_bound(to), lower_end = frozen_.lower_bound(to);
  bool going = from < to;
  // Visits what is in memory with keys below `key` (all of it when empty); true when one of them is `key` itself.
  const auto visit_memory = [&](std::string_view key) {
    while (going && (upper != upper_end || lower != lower_end)) {
      const bool first = upper != upper_end && (lower == lower_end || upper->first <= lower->first);
      const auto at = first ? upper : lower;
      if (!key.empty() && at->first > key) return false;
      const bool same = at->first == key;
      if (first && lower != lower_end && lower->first == at->first) ++lower;
      ++(first ? upper : lower);
      if (at->second) going = visit(at->first, *at->second);
      if (same) return true;
    }
    return false;
  };
  if (!going) return {};
  auto scanned =
      views_.scan(kNotificationsProjection, generation_, from, to, [&](std::string_view key, std::string_view value) {
        if (!visit_memory(key) && going) going = visit(key, value);
        return going;
      });
  if (!scanned) return scanned;
  visit_memory({});
  return {};
}

void Notifications::put(std::string key, std::optional<std::string> value) {
  changes_.insert_or_assign(std::move(key), std::move(value));
  changed_count_ = changes_.size();
}

Notifications::Outcome<NotificationCounter> Notifications::counter(WorkspaceNumber workspace,
                                                                   const UserId& user) const {
  const auto value = get(notification_key('c', workspace, user));
  if (!value) return value.error();
  NotificationCounter counter;
  if (*value && !read_counter(**value, counter)) return damaged("a counter");
  return counter;
}

void Notifications::put_counter(WorkspaceNumber workspace, const UserId& user, const NotificationCounter& counter) {
  put(notification_key('c', workspace, user), counter.empty() ? std::nullopt : std::optional(counter_value(counter)));
}

Notifications::Outcome<std::optional<NotificationRow>> Notifications::row(WorkspaceNumber workspace, const UserId& user,
                                                                          WorkspacePosition position) const {
  for (const char table : {'n', 'r'}) {
    const std::string key = notification_key(table, workspace, user, position);
    const auto value = get(key);
    if (!value) return value.error();
    if (!*value) continue;
    NotificationRow row;
    if (!read_notification_row(key, **value, row)) return damaged("a row");
    return std::optional(row);
  }
  return std::optional<NotificationRow>();
}

}  // namespace taskledger::projections
