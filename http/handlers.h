// What a handler is: short functions from an admitted request to its answer. The handlers themselves are declared here
// and live in a file for each resource; routes.cc binds them to methods and paths.
// Threads: any io thread; those on a worker say so. A Request's views live until the answer has been handed back.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/ids.h"
#include "core/result.h"
#include "http/api.h"
#include "http/authenticate.h"
#include "http/cursor.h"
#include "http/message.h"
#include "http/service.h"
#include "storage/head_signature.h"

namespace taskledger::http {

struct Route;
using PathValues = std::array<std::string_view, 2>;

// What handlers work with; lives as long as the service.
struct Api {
  ApiParts parts;
  ApiOptions options;
  Cursors cursors;
  std::shared_ptr<class FeedHub> hub;
  storage::HeadSigner signer;
};

struct Request {
  const Api& api;
  const RequestHead& head;
  const Principal* caller = nullptr;  // null on open routes
  PathValues path;                    // the values of the pattern's parameters
  std::string_view query;
  std::string_view body;

  [[nodiscard]] WorkspaceNumber workspace() const { return caller->token.workspace; }
  [[nodiscard]] Timestamp now() const { return api.parts.clock(); }
};

// An answer, and the workspace position it reflects (absent: the read models' own). Of a stream, `stream_head` is its
// status and headers; the stream itself begins after them.
struct Handled {
  Answer answer;
  std::optional<WorkspacePosition> position;
  Reply stream_head;

  Handled(Reply reply) : answer(std::move(reply)) {}  // NOLINT: replies are answers
  Handled(Reply reply, WorkspacePosition at) : answer(std::move(reply)), position(at) {}
  Handled(Reply head, Stream stream, WorkspacePosition at)
      : answer(std::move(stream)), position(at), stream_head(std::move(head)) {}
};
// nullopt: not quick this time, ask the slow one. Those of reads that are never quick say what is wrong (400) at once.
using QuickHandler = std::optional<Handled> (*)(const Request&);
// The body is handed over; a handler that needs request.body points it there first.
using SlowHandler = Task<Handled> (*)(Request request, std::string body);

// Runs `job` on a worker and comes back to the io thread; 503 when the workers' queue is full.
[[nodiscard]] Task<Handled> on_worker(const Api& api, std::function<Handled()> job);
// The same with a job that calls `done` once it has its answer, maybe later and elsewhere: no worker waits for that.
[[nodiscard]] Task<Handled> begin_on_worker(const Api& api, std::function<void(std::function<void(Handled)> done)> job);

[[nodiscard]] inline Reply json_reply(unsigned status, std::string body) {
  Reply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}
[[nodiscard]] inline Reply no_content() {
  Reply reply;
  reply.status = 204;
  return reply;
}
void append_number(std::string& out, std::uint64_t number);
void append_etag(std::string& headers, Version version);

// tasks_write.cc, batch.cc
Task<Handled> create_task(Request, std::string);
Task<Handled> update_task(Request, std::string);
Task<Handled> complete_task(Request, std::string);
Task<Handled> delete_task(Request, std::string);
Task<Handled> restore_task(Request, std::string);
Task<Handled> undo_task(Request, std::string);
Task<Handled> erase_task(Request, std::string);
Task<Handled> batch_create(Request, std::string);
Task<Handled> batch_update(Request, std::string);
Task<Handled> batch_complete(Request, std::string);
Task<Handled> batch_delete(Request, std::string);
// tasks_list.cc, tasks_read.cc
std::optional<Handled> list_tasks(const Request&);
Task<Handled> list_tasks_on_worker(Request, std::string);
std::optional<Handled> get_task(const Request&);
Task<Handled> get_task_on_worker(Request, std::string);
std::optional<Handled> get_stats(const Request&);
Task<Handled> get_stats_on_worker(Request, std::string);
// history.cc, events.cc
std::optional<Handled> get_history(const Request&);
Task<Handled> get_history_on_worker(Request, std::string);
std::optional<Handled> get_events(const Request&);
Task<Handled> get_events_on_worker(Request, std::string);
std::optional<Handled> check_stream(const Request&);  // events_stream.cc
Task<Handled> stream_events(Request, std::string);
// me.cc, health.cc
std::optional<Handled> get_me(const Request&);
std::optional<Handled> get_healthz(const Request&);
std::optional<Handled> get_readyz(const Request&);
// metrics.cc
Task<Handled> get_metrics(Request, std::string);
// openapi.cc, docs_page.cc
std::optional<Handled> get_openapi(const Request&);
std::optional<Handled> get_docs_page(const Request&);
// admin_tokens.cc
std::optional<Handled> list_tokens(const Request&);
Task<Handled> create_token(Request, std::string);
Task<Handled> revoke_token(Request, std::string);
// admin_projections.cc
std::optional<Handled> list_projections(const Request&);
Task<Handled> rebuild_projection(Request, std::string);
Task<Handled> check_projection(Request, std::string);
// audit.cc, backups.cc
std::optional<Handled> get_audit_head(const Request&);
Task<Handled> create_backup(Request, std::string);
// webhooks.cc
Task<Handled> create_webhook(Request, std::string);
std::optional<Handled> check_webhook_list(const Request&);
Task<Handled> list_webhooks(Request, std::string);
Task<Handled> delete_webhook(Request, std::string);
std::optional<Handled> check_delivery_list(const Request&);
Task<Handled> list_deliveries(Request, std::string);
Task<Handled> redeliver(Request, std::string);
Task<Handled> ping_webhook(Request, std::string);
Task<Handled> pause_webhook(Request, std::string);
Task<Handled> resume_webhook(Request, std::string);
Task<Handled> rotate_webhook_secret(Request, std::string);
Task<Handled> replay_webhook(Request, std::string);
// notifications.cc
std::optional<Handled> list_notifications(const Request&);
Task<Handled> list_notifications_on_worker(Request, std::string);
Task<Handled> read_notification(Request, std::string);
Task<Handled> read_all_notifications(Request, std::string);

}  // namespace taskledger::http
