// What the projector answers from the images and notifications that it keeps up.
#include <optional>
#include <utility>
#include <vector>

#include "projections/list/list_query.h"
#include "projections/list/render.h"
#include "projections/notifications/notification_page.h"
#include "projections/projector.h"
#include "projections/stats/stats_query.h"
#include "storage/quick_reads.h"

namespace taskledger::projections {

// From the cache of pages, or else what `find(image, query, validity, rows)` gives, which goes into it.
template <class Find>
std::optional<ListPage> Projector::page_of(WorkspaceImage& at, const ListQuery& query, const Find& find) {
  RenderedRowsPtr rows;
  std::optional<ListPage> page = pages_.find(*at.image, query, rows);
  if (!page) {
    Validity validity;
    const std::size_t before = at.image->bytes_of_order(query.order[0].field);
    page = find(*at.image, query, validity, rows);
    if (before == 0) at.bytes += at.image->bytes_of_order(query.order[0].field);
    if (page) pages_.offer(*at.image, query, validity, *page, rows);
  }
  if (at.image->wants_orders()) orders_.ask(at.number);
  if (page) page->position = {at.position};
  return page;
}

std::optional<ListPage> Projector::list_at_once(WorkspaceNumber workspace, const ListQuery& query) {
  auto page =
      workspaces_.read_loaded(workspace, [&](WorkspaceImage& at) { return page_of(at, query, answer_list_at_once); });
  return page ? *std::move(page) : std::nullopt;
}

Result<ListPage, storage::ReadError> Projector::list(WorkspaceNumber workspace, const ListQuery& query) {
  return workspaces_.read_long(workspace, [&](WorkspaceImage& at) {
    return *page_of(at, query,
                    [](const Image& image, const ListQuery& asked, Validity& validity, RenderedRowsPtr& rows) {
                      return std::optional(answer_list(image, asked, validity, rows));
                    });
  });
}

Result<TaskAnswer, storage::ReadError> Projector::task(WorkspaceNumber workspace, const TaskId& id,
                                                       bool include_links) {
  return workspaces_.read(workspace, [&](const WorkspaceImage& at) {
    TaskAnswer answer;
    answer.position = {at.position};
    const auto row = at.image->find(id.value);
    if (!row) return answer;
    answer.version = {at.image->version[*row]};
    append_rows_json(answer.json, *at.image, std::span(&*row, 1));
    if (!include_links) return answer;
    answer.json.back() = ',';
    answer.json += R"("linked_entities":)";
    append_links_json(answer.json, at.image->task(*row).fields.links);
    answer.json += '}';
    return answer;
  });
}

Result<StatsAnswer, storage::ReadError> Projector::stats(WorkspaceNumber workspace, const StatsQuery& query) {
  return workspaces_.read(workspace, [&](const WorkspaceImage& at) {
    return StatsAnswer{answer_stats(*at.image, query), {at.position}};
  });
}

// All but the rows, which are in `shown`: their titles are read without a lock, since the log's past does not change.
Result<NotificationPage, storage::ReadError> Projector::notifications_of(const WorkspaceImage& at,
                                                                         const NotificationsQuery& query,
                                                                         std::vector<ShownNotification>& shown) const {
  const auto rows = notifications_.page(at.number, query.user, query.unread_only, query.before, query.limit);
  if (!rows) return rows.error();
  NotificationPage page;
  page.position = {at.position};
  page.unread = rows->unread;
  if (rows->more) page.next = rows->rows.back().position;
  for (const NotificationRow& row : rows->rows) shown.push_back({row, !at.image->find(row.task.value)});
  return page;
}

Result<NotificationPage, storage::ReadError> Projector::notifications(WorkspaceNumber workspace,
                                                                      const NotificationsQuery& query) {
  std::vector<ShownNotification> shown;
  Result<NotificationPage, storage::ReadError> page = NotificationPage();
  const auto read = workspaces_.read_long(workspace, [&](const WorkspaceImage& at) {
    page = notifications_of(at, query, shown);
    return true;
  });
  if (!read) return read.error();
  if (!page) return page;
  if (auto shaped = append_notifications_json(page->rows, workspace, query, shown, log_); !shaped)
    return shaped.error();
  return page;
}

Result<std::optional<NotificationPage>, storage::ReadError> Projector::notifications_at_once(
    WorkspaceNumber workspace, const NotificationsQuery& query) {
  std::vector<ShownNotification> shown;
  auto page =
      workspaces_.read_loaded(workspace, [&](const WorkspaceImage& at) { return notifications_of(at, query, shown); });
  if (!page) return std::optional<NotificationPage>();
  if (!*page) return page->error();
  if (events_behind(shown) > storage::kQuickEvents) return std::optional<NotificationPage>();
  if (auto shaped = append_notifications_json((*page)->rows, workspace, query, shown, log_); !shaped)
    return shaped.error();
  return std::optional(**std::move(page));
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

Result<void, storage::ReadError> Projector::read_image(
    WorkspaceNumber workspace, const std::function<void(const Image&, WorkspacePosition)>& visit) {
  const auto read = workspaces_.read_long(workspace, [&](const WorkspaceImage& at) {
    visit(*at.image, {at.position});
    return true;
  });
  if (!read) return read.error();
  return {};
}

}  // namespace taskledger::projections
