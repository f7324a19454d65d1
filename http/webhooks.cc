// /webhooks and what is below it: registration and deliveries, for the workspace's admins. All of it blocks a little
// (a commit, the delivery thread), so it runs on workers; names are looked up on nobody's time.
#include "reactors/webhooks.h"

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "core/text.h"
#include "http/async_call.h"
#include "http/errors.h"
#include "http/handlers.h"
#include "http/parameters.h"
#include "http/writes.h"

namespace taskledger::http {
namespace {

using reactors::Webhooks;

constexpr std::string_view kNotFound = "Webhook not found";
constexpr std::chrono::seconds kLookUpTimeout{3};  // then it is taken for a name that has no address yet

reactors::WebhookCaller caller_of(const Request& request) {
  return {request.workspace(), request.caller->workspace_id, request.caller->token.user};
}

// What is wrong with the query or headers of a write.
std::optional<Reply> refused(const Request& request) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, {}); !parsed) return http::reply_of(parsed.error());
  return refuse_idempotency_key(request);
}

void append_time_or_null(std::string& out, Timestamp time) {
  if (time.ms == 0) {
    out += "null";
    return;
  }
  out += '"';
  append_rfc3339(out, time);
  out += '"';
}

void append_text_or_null(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += "null";
  } else {
    append_json_string(out, text);
  }
}

void append_webhook(std::string& out, const reactors::WebhookStatus& webhook) {
  out.append(R"({"id":")").append(to_string(webhook.id)).append(R"(","url":)");
  append_json_string(out, webhook.url);
  out += R"(,"types":)";
  append_webhook_types_json(out, webhook.types);
  out.append(R"(,"paused":)").append(webhook.paused ? "true" : "false").append(R"(,"problem":)");
  append_text_or_null(out, webhook.problem);
  out += R"(,"created_at":)";
  append_time_or_null(out, webhook.created_at);
  const std::pair<std::string_view, std::uint64_t> numbers[] = {{R"(,"position":)", webhook.cursor.value},
                                                                {R"(,"lag":)", webhook.lag},
                                                                {R"(,"waiting":)", webhook.waiting},
                                                                {R"(,"parked":)", webhook.parked}};
  for (const auto& [name, value] : numbers) {
    out += name;
    append_number(out, value);
  }
  out += '}';
}

void append_delivery(std::string& out, const reactors::DeliveryStatus& row) {
  const reactors::Delivery& delivery = row.delivery;
  const bool ping = delivery.is_ping();
  out.append(R"({"id":")").append(row.id).append(R"(","state":")").append(name_of(row.state)).append(R"(","type":")");
  out.append(ping ? "ping" : webhook_type_name(delivery.type));
  if (ping) {
    out += R"(","event_id":null,"task_id":null,"position":null,"attempts":)";
  } else {
    out.append(R"(","event_id":")").append(to_string(delivery.event)).append(R"(","task_id":")");
    out.append(to_string(delivery.task)).append(R"(","position":)");
    append_number(out, delivery.number);
    out += R"(,"attempts":)";
  }
  append_number(out, delivery.attempts);
  out += R"(,"created_at":)";
  append_time_or_null(out, delivery.time);
  out += R"(,"last_attempt_at":)";
  append_time_or_null(out, delivery.last_attempt);
  out += R"(,"next_attempt_at":)";
  append_time_or_null(out, row.state == reactors::DeliveryState::pending ? delivery.due : Timestamp{});
  out += R"(,"response_status":)";
  if (delivery.status == 0) {
    out += "null";
  } else {
    append_number(out, delivery.status);
  }
  out += R"(,"error":)";
  append_text_or_null(out, delivery.error);
  out += '}';
}

// A write without fields on one webhook; `act` gives the answer's Result, `reply` what it becomes.
template <class Act, class MakeReply>
Task<Handled> on_webhook(Request request, std::string body, Act act, MakeReply make_reply) {
  if (auto refusal = refused(request)) co_return Handled(*std::move(refusal));
  if (auto checked = check_no_fields(body); !checked) co_return Handled(http::reply_of(checked.error()));
  const auto id = parse_uuid(request.path[0]);
  if (!id) co_return Handled(error_reply(404, kNotFound));
  std::function<Handled()> job = [&request, id = WebhookId{*id}, &act, &make_reply]() -> Handled {
    auto done = act(*request.api.parts.webhooks, caller_of(request), id);
    if (!done) return reply_of(done.error());
    return make_reply(done);
  };
  co_return co_await on_worker(request.api, std::move(job));
}

struct DeliveriesWanted {
  std::optional<reactors::DeliveryState> state;
  std::string cursor;
  std::uint32_t limit = 0;
};

Result<DeliveriesWanted> deliveries_wanted(const Request& request) {
  static constexpr std::array<std::string_view, 3> kParameters{"state", "limit", "cursor"};
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, kParameters); !parsed) return parsed.error();
  const auto limit = parameters.limit();
  if (!limit) return limit.error();
  DeliveriesWanted wanted{{}, std::string(parameters["cursor"]), *limit};
  if (parameters.has("state")) {
    wanted.state = reactors::parse_delivery_state(parameters["state"]);
    if (!wanted.state) return not_one_of("state", reactors::kDeliveryStateNames);
  }
  if (auto good = Webhooks::check_cursor(wanted.state, wanted.cursor); !good) return Invalid{good.error().message};
  return wanted;
}

Task<Webhooks::Answer<void>> check_address(Webhooks& webhooks, const WebhookRequest& wanted) {
  using Allowed = Webhooks::Answer<void>;
  const auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer timer(executor, kLookUpTimeout);
  auto initiate = [&](std::function<void(Allowed)> done) {
    timer.async_wait([done](const boost::system::error_code&) { done(Allowed()); });
    webhooks.check_address(wanted, std::move(done));
  };
  Allowed allowed = co_await resume_here<Allowed>(std::move(initiate));
  co_return allowed;
}

constexpr auto kNoContent = [](const auto&) { return no_content(); };
constexpr auto kAccepted = [](const auto&) { return json_reply(202, {}); };

}  // namespace

Task<Handled> create_webhook(Request request, std::string body) {
  if (auto refusal = refused(request)) co_return Handled(*std::move(refusal));
  auto wanted = parse_webhook_request(body);
  if (!wanted) co_return Handled(http::reply_of(wanted.error()));
  bool possible = false;
  std::function<Handled()> look = [&]() -> Handled {
    const auto may = request.api.parts.webhooks->may_create(caller_of(request), *wanted);
    possible = may.has_value();
    return possible ? Handled(Reply()) : Handled(reply_of(may.error()));
  };
  Handled looked = co_await on_worker(request.api, std::move(look));
  if (!possible) co_return looked;
  if (const auto allowed = co_await check_address(*request.api.parts.webhooks, *wanted); !allowed)
    co_return Handled(reply_of(allowed.error()));
  std::function<Handled()> job = [&request, &wanted]() -> Handled {
    const auto made = request.api.parts.webhooks->create(caller_of(request), *wanted);
    if (!made) return reply_of(made.error());
    auto reply = json_reply(201, R"({"id":")" + to_string(made->id) + R"(","secret":")" + made->secret + "\"}");
    reply.headers = "Cache-Control: no-store\r\n";
    return reply;
  };
  co_return co_await on_worker(request.api, std::move(job));
}

std::optional<Handled> check_webhook_list(const Request& request) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, {}); !parsed) return Handled(http::reply_of(parsed.error()));
  return std::nullopt;
}

Task<Handled> list_webhooks(Request request, std::string) {
  std::function<Handled()> job = [&request]() -> Handled {
    const auto position = request.api.parts.models.position(request.workspace());  // before those of the webhooks
    const auto webhooks = request.api.parts.webhooks->list(caller_of(request));
    if (!webhooks) return reply_of(webhooks.error());
    std::string out = R"({"data":[)";
    for (const auto& webhook : *webhooks) {
      if (out.back() != '[') out += ',';
      append_webhook(out, webhook);
    }
    return Handled(json_reply(200, out + "]}"), position);
  };
  co_return co_await on_worker(request.api, std::move(job));
}

Task<Handled> delete_webhook(Request request, std::string body) {
  auto act = [](Webhooks& all, const auto& caller, const WebhookId& id) { return all.remove(caller, id); };
  co_return co_await on_webhook(request, std::move(body), act, kNoContent);
}

Task<Handled> pause_webhook(Request request, std::string body) {
  auto act = [](Webhooks& all, const auto& caller, const WebhookId& id) { return all.pause(caller, id); };
  co_return co_await on_webhook(request, std::move(body), act, kNoContent);
}

Task<Handled> resume_webhook(Request request, std::string body) {
  auto act = [](Webhooks& all, const auto& caller, const WebhookId& id) { return all.resume(caller, id); };
  co_return co_await on_webhook(request, std::move(body), act, kNoContent);
}

Task<Handled> rotate_webhook_secret(Request request, std::string body) {
  auto act = [](Webhooks& all, const auto& caller, const WebhookId& id) { return all.rotate_secret(caller, id); };
  auto answer = [](const auto& secret) {
    auto reply = json_reply(200, R"({"secret":")" + *secret + "\"}");
    reply.headers = "Cache-Control: no-store\r\n";
    return reply;
  };
  co_return co_await on_webhook(request, std::move(body), act, answer);
}

Task<Handled> ping_webhook(Request request, std::string body) {
  auto act = [](Webhooks& all, const auto& caller, const WebhookId& id) { return all.ping(caller, id); };
  auto answer = [](const auto& message) { return json_reply(202, R"({"id":")" + *message + "\"}"); };
  co_return co_await on_webhook(request, std::move(body), act, answer);
}

Task<Handled> replay_webhook(Request request, std::string body) {
  if (auto refusal = refused(request)) co_return Handled(*std::move(refusal));
  const auto after = parse_replay_request(body);
  if (!after) co_return Handled(http::reply_of(after.error()));
  auto act = [after = *after](Webhooks& all, const auto& caller, const WebhookId& id) {
    return all.replay(caller, id, after);
  };
  co_return co_await on_webhook(request, {}, act, kAccepted);
}

Task<Handled> redeliver(Request request, std::string body) {
  auto act = [delivery = request.path[1]](Webhooks& all, const auto& caller, const WebhookId& id) {
    return all.redeliver(caller, id, delivery);
  };
  co_return co_await on_webhook(request, std::move(body), act, kAccepted);
}

std::optional<Handled> check_delivery_list(const Request& request) {
  const auto wanted = deliveries_wanted(request);
  if (!wanted) return Handled(http::reply_of(wanted.error()));
  return std::nullopt;
}

Task<Handled> list_deliveries(Request request, std::string) {
  const auto wanted = deliveries_wanted(request);
  if (!wanted) co_return Handled(http::reply_of(wanted.error()));
  const auto id = parse_uuid(request.path[0]);
  if (!id) co_return Handled(error_reply(404, kNotFound));
  std::function<Handled()> job = [&]() -> Handled {
    const auto position = request.api.parts.models.position(request.workspace());  // before those of the deliveries
    // What is no id names no webhook, and neither does the one of zeros; a wrong cursor is told before that.
    const WebhookId id{parse_uuid(request.path[0]).value_or(Uuid{})};
    const auto page =
        request.api.parts.webhooks->deliveries(caller_of(request), id, wanted->state, wanted->cursor, wanted->limit);
    if (!page) return reply_of(page.error());
    std::string out = R"({"data":[)";
    for (const auto& row : page->rows) {
      if (out.back() != '[') out += ',';
      append_delivery(out, row);
    }
    out += R"(],"nextCursor":)";
    append_text_or_null(out, page->next.value_or(""));
    return Handled(json_reply(200, out + '}'), position);
  };
  co_return co_await on_worker(request.api, std::move(job));
}

}  // namespace taskledger::http
