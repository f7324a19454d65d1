#include "projections/notifications/notification_page.h"

#include <optional>

#include "core/text.h"
#include "projections/applier.h"
#include "projections/projector.h"

namespace taskledger::projections {

namespace {

// nullopt: erased.
Result<std::optional<std::string>, storage::ReadError> title_at(const storage::EventLog& log, WorkspaceNumber workspace,
                                                                const TaskId& id, Version version) {
  Task task;
  Result<void, storage::ReadError> folded{};
  auto read = log.read_stream(workspace, id.value, {1}, [&](const storage::Record& record) {
    if (record.version > version) return false;
    folded = fold_record(task, record);
    return folded.has_value();
  });
  if (!read) return read.error();
  if (!folded) return folded.error();
  if (task.fields.title.empty()) return std::optional<std::string>();
  return std::optional<std::string>(std::move(task.fields.title));
}

}  // namespace

Result<void, storage::ReadError> append_notifications_json(std::string& out, WorkspaceNumber workspace,
                                                           const UserId& user,
                                                           const std::vector<ShownNotification>& rows,
                                                           const storage::EventLog& log) {
  bool first = true;
  for (const auto& [row, task_deleted] : rows) {
    const auto title = title_at(log, workspace, row.task, row.version);
    if (!title) return title.error();
    out += first ? R"({"id":")" : R"(,{"id":")";
    first = false;
    append_uuid(out, notification_id(workspace, user, row.position).value);
    out.append(R"(","type":")").append(name_of(row.type)).append(R"(","task_id":")");
    append_uuid(out, row.task.value);
    out += task_deleted ? R"(","task_deleted":true,"title":)" : R"(","title":)";
    if (*title) {
      append_json_string(out, **title);
    } else {
      out += "null";
    }
    out += R"(,"actor":")";
    append_uuid(out, row.actor.value);
    out += R"(","created_at":")";
    append_rfc3339(out, row.time);
    out += R"(","read_at":)";
    out += row.read_at.ms == 0 ? "null" : '"' + to_rfc3339(row.read_at) + '"';
    out += '}';
  }
  return {};
}

Result<NotificationPage, storage::ReadError> Projector::notifications(WorkspaceNumber workspace,
                                                                      const NotificationsQuery& query) {
  std::vector<ShownNotification> shown;
  std::optional<storage::ReadError> fault;
  auto page = workspaces_.read(workspace, [&](const WorkspaceImage& at) {
    NotificationPage found;
    found.position = {at.position};
    const auto rows = notifications_.page(workspace, query.user, query.unread_only, query.before, query.limit);
    if (!rows) {
      fault = rows.error();
      return found;
    }
    found.unread = rows->unread;
    if (rows->more) found.next = rows->rows.back().position;
    for (const NotificationRow& row : rows->rows) shown.push_back({row, !at.image->find(row.task.value)});
    return found;
  });
  if (!page) return page;
  if (fault) return *fault;
  // The log's past does not change, so this needs no lock.
  if (auto shaped = append_notifications_json(page->rows, workspace, query.user, shown, log_); !shaped)
    return shaped.error();
  return page;
}

Result<std::optional<bool>, storage::ReadError> Projector::notification_unread(WorkspaceNumber workspace,
                                                                               const UserId& user,
                                                                               WorkspacePosition at) {
  return notifications_.unread(workspace, user, at);
}

Result<std::uint64_t, storage::ReadError> Projector::unread_notifications(WorkspaceNumber workspace,
                                                                          const UserId& user) {
  return notifications_.unread_count(workspace, user);
}

}  // namespace taskledger::projections
