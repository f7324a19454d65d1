// Every route of the API in one table: method, address, who may, how large a body, and who answers.
#include "http/router.h"

namespace taskledger::http {
namespace {

constexpr std::uint64_t kBody = 64 * 1024;
constexpr std::uint64_t kBatchBody = 4 * 1024 * 1024;

constexpr auto kRead = Scope::tasks_read;
constexpr auto kWrite = Scope::tasks_write;
constexpr auto kAudit = Scope::audit_read;
constexpr auto kAdmin = Scope::admin;
constexpr auto kOperator = Scope::operator_;
using enum Method;
using enum Access;

// clang-format off
constexpr Route kRoutes[] = {
    {get,   "/api/v1/tasks",                 scope, kRead,  kBody,      list_tasks, list_tasks_on_worker},
    {post,  "/api/v1/tasks",                 scope, kWrite, kBody,      nullptr,    create_task},
    {get,   "/api/v1/tasks/stats",           scope, kRead,  kBody,      get_stats,  get_stats_on_worker},
    {get,   "/api/v1/tasks/{id}",            scope, kRead,  kBody,      get_task,   get_task_on_worker},
    {put,   "/api/v1/tasks/{id}",            scope, kWrite, kBody,      nullptr,    update_task},
    {patch, "/api/v1/tasks/{id}",            scope, kWrite, kBody,      nullptr,    update_task},
    {del,   "/api/v1/tasks/{id}",            scope, kWrite, kBody,      nullptr,    delete_task},
    {put,   "/api/v1/tasks/{id}/complete",   scope, kWrite, kBody,      nullptr,    complete_task},
    {post,  "/api/v1/tasks/{id}/restore",    scope, kWrite, kBody,      nullptr,    restore_task},
    {post,  "/api/v1/tasks/{id}/undo",       scope, kWrite, kBody,      nullptr,    undo_task},
    {post,  "/api/v1/tasks/{id}/erase",      scope, kAdmin, kBody,      nullptr,    erase_task},
    {get,   "/api/v1/tasks/{id}/history",    scope, kAudit, kBody,      get_history, get_history_on_worker},
    {post,  "/api/v1/tasks/batch/create",    scope, kWrite, kBatchBody, nullptr,    batch_create},
    {post,  "/api/v1/tasks/batch/update",    scope, kWrite, kBatchBody, nullptr,    batch_update},
    {post,  "/api/v1/tasks/batch/complete",  scope, kWrite, kBatchBody, nullptr,    batch_complete},
    {post,  "/api/v1/tasks/batch/delete",    scope, kWrite, kBatchBody, nullptr,    batch_delete},
    {get,   "/api/v1/events",                scope, kAudit, kBody,      get_events, get_events_on_worker},
    {get,   "/api/v1/events/stream",         scope, kAudit, kBody,      check_stream, stream_events},
    {get,   "/api/v1/audit/head",            scope, kAudit, kBody,      get_audit_head, nullptr},
    {get,   "/api/v1/notifications",         scope, kRead,  kBody,      list_notifications, list_notifications_on_worker},
    {post,  "/api/v1/notifications/read-all",  scope, kWrite, kBody,    nullptr,    read_all_notifications},
    {post,  "/api/v1/notifications/{id}/read", scope, kWrite, kBody,    nullptr,    read_notification},
    {post,  "/api/v1/webhooks",              scope, kAdmin, kBody,      nullptr,    create_webhook},
    {get,   "/api/v1/webhooks",              scope, kAdmin, kBody,      check_webhook_list, list_webhooks},
    {del,   "/api/v1/webhooks/{id}",         scope, kAdmin, kBody,      nullptr,    delete_webhook},
    {get,   "/api/v1/webhooks/{id}/deliveries",    scope, kAdmin, kBody, check_delivery_list, list_deliveries},
    {post,  "/api/v1/webhooks/{id}/ping",          scope, kAdmin, kBody, nullptr,   ping_webhook},
    {post,  "/api/v1/webhooks/{id}/pause",         scope, kAdmin, kBody, nullptr,   pause_webhook},
    {post,  "/api/v1/webhooks/{id}/resume",        scope, kAdmin, kBody, nullptr,   resume_webhook},
    {post,  "/api/v1/webhooks/{id}/rotate-secret", scope, kAdmin, kBody, nullptr,   rotate_webhook_secret},
    {post,  "/api/v1/webhooks/{id}/replay",        scope, kAdmin, kBody, nullptr,   replay_webhook},
    {post,  "/api/v1/webhooks/{id}/deliveries/{delivery}/redeliver", scope, kAdmin, kBody, nullptr, redeliver},
    {get,   "/api/v1/me",                    token, kRead,  kBody,      get_me,     nullptr},
    {get,   "/api/v1/admin/tokens",          scope, kAdmin, kBody,      list_tokens, nullptr},
    {post,  "/api/v1/admin/tokens",          scope, kAdmin, kBody,      nullptr,    create_token},
    {del,   "/api/v1/admin/tokens/{id}",     scope, kAdmin, kBody,      nullptr,    revoke_token},
    {get,   "/api/v1/admin/projections",     scope, kOperator, kBody,   list_projections, nullptr},
    {post,  "/api/v1/admin/projections/{name}/rebuild", scope, kOperator, kBody, nullptr, rebuild_projection},
    {post,  "/api/v1/admin/projections/{name}/check",   scope, kOperator, kBody, nullptr, check_projection},
    {post,  "/api/v1/admin/backups",         scope, kOperator, kBody,   nullptr,    create_backup},
    {get,   "/healthz",                      open,  kRead,  kBody,      get_healthz, nullptr},
    {get,   "/readyz",                       open,  kRead,  kBody,      get_readyz, nullptr},
    {get,   "/metrics",                      open,  kRead,  kBody,      nullptr,    get_metrics},
    {get,   "/openapi.json",                 open,  kRead,  kBody,      get_openapi, nullptr},
    {get,   "/docs",                         open,  kRead,  kBody,      get_docs_page, nullptr},
};
// clang-format on

}  // namespace

std::span<const Route> all_routes() { return kRoutes; }

}  // namespace taskledger::http
