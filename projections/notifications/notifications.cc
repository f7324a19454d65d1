#include "projections/notifications/notifications.h"

#include <fmt/core.h>

#include <mutex>
#include <utility>

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

Result<std::optional<TaskEvent>, ReadError> notifying_event(const storage::Record& record) {
  const auto type = static_cast<EventType>(record.type);
  const bool notifies =
      type == EventType::task_created || type == EventType::task_updated || type == EventType::task_completed;
  if (!notifies || record.imported || !record.payload) return std::optional<TaskEvent>();
  // Most creations and updates assign nobody; that shows without parsing them (a quote inside of a text is escaped).
  if (type != EventType::task_completed && record.payload->find("\"assigned_to_id\"") == std::string_view::npos) {
    return std::optional<TaskEvent>();
  }
  auto event = parse_event_data(type, *record.payload);
  if (!event)
    return ReadError{
        fmt::format("position {}: event cannot be read: {}", record.position.value, event.error().message)};
  return std::optional<TaskEvent>(*std::move(event));
}

Notifications::Outcome<void> Notifications::apply(const storage::Record& record, const Task* task) {
  if (static_cast<EventType>(record.type) == EventType::task_erased) {
    const std::unique_lock lock(mutex_);
    return forget(record.workspace, {record.stream});
  }
  if (task == nullptr) return {};
  const auto event = notifying_event(record);
  if (!event) return event.error();
  if (!*event) return {};
  const auto recipients = recipients_of(**event, record.actor, *task);
  if (recipients.empty()) return {};
  const std::unique_lock lock(mutex_);
  for (const Recipient& recipient : recipients) {
    if (auto added = add(record, recipient); !added) return added;
  }
  return {};
}

Notifications::Outcome<void> Notifications::apply_system(const storage::Record& record) {
  if (!record.payload) return {};
  const auto event = parse_notification_payload(*record.payload);
  if (!event) return ReadError{fmt::format("position {}: {}", record.position.value, event.error().message)};
  const std::unique_lock lock(mutex_);
  if (const auto* one = std::get_if<NotificationRead>(&*event)) return mark_read(*one, record.time);
  if (const auto* all = std::get_if<NotificationsRead>(&*event)) return mark_all_read(*all, record.time);
  return {};
}

Notifications::Outcome<void> Notifications::add(const storage::Record& record, const Recipient& recipient) {
  const NotificationRow row{
      record.in_workspace, recipient.type, {record.stream}, record.version, record.actor, record.time, {}};
  auto counted = counter(record.workspace, recipient.user);
  if (!counted) return counted.error();
  put(notification_key('n', record.workspace, recipient.user, row.position), notification_value(row));
  put(notification_key('u', record.workspace, recipient.user, row.position), "");
  put(notifications_of_task_key(record.workspace, row.task, recipient.user, row.position), "");
  ++counted->unread;
  put_counter(record.workspace, recipient.user, *counted);
  return {};
}

Notifications::Outcome<void> Notifications::mark_read(const NotificationRead& event, Timestamp time) {
  auto counted = counter(event.workspace, event.user);
  if (!counted) return counted.error();
  auto found = row(event.workspace, event.user, event.position);
  if (!found) return found.error();
  if (!*found || (*found)->read_at.ms != 0 || event.position <= counted->read_up_to) return {};
  (*found)->read_at = time;
  put(notification_key('n', event.workspace, event.user, event.position), notification_value(**found));
  put(notification_key('u', event.workspace, event.user, event.position), std::nullopt);
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
  auto scanned = scan(notification_key('u', event.workspace, event.user),
                      notification_key('u', event.workspace, event.user, event.up_to),
                      [&](std::string_view, std::string_view) { return ++counted->unread, true; });
  if (!scanned) return scanned;
  put_counter(event.workspace, event.user, *counted);
  return {};
}

// What the erased payloads said (who was told of what) goes with them, as it would in a rebuild.
Notifications::Outcome<void> Notifications::forget(WorkspaceNumber workspace, const TaskId& task) {
  const std::string prefix = notifications_of_task_key(workspace, task);
  std::vector<std::string> found;
  auto scanned = scan(prefix, end_of(prefix), [&](std::string_view key, std::string_view) {
    found.emplace_back(key);
    return true;
  });
  if (!scanned) return scanned;
  for (const std::string& key : found) {
    const UserId user = user_of_task_key(key);
    const WorkspacePosition position = position_of_notification_key(key);
    auto counted = counter(workspace, user);
    if (!counted) return counted.error();
    auto told = row(workspace, user, position);
    if (!told) return told.error();
    if (*told && (*told)->read_at.ms == 0 && position > counted->read_up_to) {
      --counted->unread;
      put_counter(workspace, user, *counted);
    }
    put(notification_key('n', workspace, user, position), std::nullopt);
    put(notification_key('u', workspace, user, position), std::nullopt);
    put(key, std::nullopt);
  }
  return {};
}

Notifications::Outcome<NotificationRows> Notifications::page(WorkspaceNumber workspace, const UserId& user,
                                                             bool unread_only, std::optional<WorkspacePosition> before,
                                                             std::size_t limit) const {
  const std::shared_lock lock(mutex_);
  const auto counted = counter(workspace, user);
  if (!counted) return counted.error();
  NotificationRows page;
  page.unread = counted->unread;
  const char table = unread_only ? 'u' : 'n';
  if (before && before->value == 0) return page;
  std::string from = notification_key(table, workspace, user);
  if (before) from = notification_key(table, workspace, user, {before->value - 1});
  // Unread ones lie before all that "read up to" covers.
  const std::string to = unread_only ? notification_key(table, workspace, user, counted->read_up_to)
                                     : end_of(notification_key(table, workspace, user));
  std::vector<WorkspacePosition> unread;
  bool readable = true;
  auto scanned = scan(from, to, [&](std::string_view key, std::string_view value) {
    page.more = page.rows.size() + unread.size() == limit;
    if (page.more) return false;
    if (unread_only) {
      unread.push_back(position_of_notification_key(key));
    } else {
      readable = read_notification_row(key, value, page.rows.emplace_back());
    }
    return readable;
  });
  if (!scanned) return scanned.error();
  if (!readable) return damaged("a row");
  for (const WorkspacePosition position : unread) {
    const auto found = row(workspace, user, position);
    if (!found) return found.error();
    if (!*found) return damaged("a row");
    page.rows.push_back(**found);
  }
  if (auto filled = fill_read_times(workspace, user, counted->read_up_to, page.rows); !filled) return filled.error();
  return page;
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
  const std::shared_lock lock(mutex_);
  const auto counted = counter(workspace, user);
  if (!counted) return counted.error();
  const auto found = row(workspace, user, position);
  if (!found) return found.error();
  if (!*found) return std::optional<bool>();
  return std::optional<bool>((*found)->read_at.ms == 0 && position > counted->read_up_to);
}

Notifications::Outcome<std::uint64_t> Notifications::unread_count(WorkspaceNumber workspace, const UserId& user) const {
  const std::shared_lock lock(mutex_);
  const auto counted = counter(workspace, user);
  if (!counted) return counted.error();
  return counted->unread;
}

void Notifications::freeze() {
  const std::unique_lock lock(mutex_);
  writing_ = std::exchange(changes_, {});
  changed_count_ = 0;
}

// What is frozen does not change: no lock, so that nobody waits for a large copy.
std::vector<storage::RowChange> Notifications::frozen_rows() const {
  std::vector<storage::RowChange> rows;
  rows.reserve(writing_.size());
  for (const auto& [key, value] : writing_) rows.push_back({key, value});
  return rows;
}

void Notifications::take_over(Notifications& other, const std::function<void()>& switch_generation) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  changes_ = std::exchange(other.changes_, {});
  writing_.clear();
  changed_count_ = changes_.size();
  switch_generation();
}

void Notifications::written() {
  const std::unique_lock lock(mutex_);
  writing_.clear();
}

Notifications::Outcome<std::optional<std::string>> Notifications::get(std::string_view key) const {
  for (const Changes* changes : {&changes_, &writing_}) {
    if (const auto found = changes->find(key); found != changes->end()) return found->second;
  }
  return views_.get(kNotificationsProjection, generation_, key);
}

// The three layers merged by key; an upper one hides a lower one's row.
Notifications::Outcome<void> Notifications::scan(const std::string& from, const std::string& to,
                                                 const Visit& visit) const {
  auto upper = changes_.lower_bound(from), lower = writing_.lower_bound(from);
  const auto upper_end = changes_.lower_bound(to), lower_end = writing_.lower_bound(to);
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
  const std::string key = notification_key('n', workspace, user, position);
  const auto value = get(key);
  if (!value) return value.error();
  if (!*value) return std::optional<NotificationRow>();
  NotificationRow row;
  if (!read_notification_row(key, **value, row)) return damaged("a row");
  return std::optional(row);
}

}  // namespace taskledger::projections
