#include "http/api.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "http/access_log.h"
#include "http/admission.h"
#include "http/async_call.h"
#include "http/authenticate.h"
#include "http/cors.h"
#include "http/errors.h"
#include "http/failed_logins.h"
#include "http/feed_hub.h"
#include "http/handlers.h"
#include "http/kept_headers.h"
#include "http/min_position.h"
#include "http/parameters.h"
#include "http/rate_limit.h"
#include "http/request_metrics.h"
#include "http/router.h"

namespace taskledger::http {
namespace {

Handled internal_error(const std::exception& error, std::string_view where) {
  spdlog::error("{}: {}", where, error.what());
  return error_reply(500, "Internal error");
}

// A stream after its status line and headers.
Task<void> start_and_stream(Reply head, Stream body, StreamWriter& writer) {
  const bool started = co_await writer.start(std::move(head));
  if (!started) co_return;
  auto streaming = body(writer);
  co_await std::move(streaming);
}

class ApiService final : public Service {
 public:
  ApiService(ApiParts parts, ApiOptions options)
      : api_{parts, options, Cursors(options.server_key), FeedHub::create(parts.log, parts.models),
             storage::HeadSigner(options.server_key)},
        limit_{options.rate_limit, options.rate_burst},
        failed_logins_({options.auth_failure_rate, options.auth_failure_burst}),
        cors_(options.cors_origins),
        router_(all_routes()),
        authenticator_(api_.parts.models.directory(), limit_.on() ? &buckets_ : nullptr) {}

  std::variant<Admission, Reply> admit(const RequestHead& head) override {
    const auto match = router_.match(head.method, split_target(head.target).path);
    if (!match.route) return finish(head, nullptr, no_route(head, match));
    const Route& route = *match.route;
    Admission admission;
    std::shared_ptr<const Principal> principal;
    if (route.access != Access::open) {
      const auto now = api_.parts.clock();
      admission.token_generation = api_.parts.models.directory().token_generation();
      if (!is_repeated(head, &RequestHead::authorization)) principal = authenticator_.find(head.authorization, now);
      if (!principal) return finish(head, nullptr, refuse_login(head, now));
      if (route.access == Access::scope && !principal->token.scopes.has(route.scope)) {
        return finish(head, &*principal,
                      error_reply(403, fmt::format("Token lacks the scope '{}'", name_of(route.scope))));
      }
      if (limit_.on() && !principal->bucket->take(limit_, now))
        return finish(head, &*principal, limited(*principal, now));
    }
    if (auto refused = check_body(head, route.body_limit)) return finish(head, principal.get(), *std::move(refused));
    admission.route = &route;
    // Of a chunked body of another type, what comes first is refused (415).
    admission.body_limit = check_chunked(head, "?") ? 0 : route.body_limit;
    admission.caller = std::const_pointer_cast<Principal>(std::move(principal));
    return admission;
  }

  std::optional<Reply> answer_now(const RequestHead& head, const Admission& admission, std::string_view body) override {
    const auto request = make_request(head, admission, body);
    if (is_revoked(request, admission)) return finish(head, nullptr, unauthorized(head));
    if (auto refused = check_chunked(head, body)) return finish(head, request.caller, *std::move(refused));
    if (auto refused = check_headers(head); refused && request.caller)
      return finish(head, request.caller, *std::move(refused));
    if (!admission.route->quick || must_wait(request)) return std::nullopt;
    try {
      auto handled = admission.route->quick(request);
      if (!handled) return std::nullopt;
      return finish(head, request.caller, std::get<Reply>(std::move(handled->answer)), handled->position);
    } catch (const std::exception& error) {
      auto handled = internal_error(error, admission.route->pattern);
      return finish(head, request.caller, std::get<Reply>(std::move(handled.answer)));
    }
  }

  // Its frame is allocated for every write, and is kept small: what needs no waiting is in functions of its own.
  Task<Answer> answer(const RequestHead& head, const Admission& admission, std::string body) override {
    auto request = make_request(head, admission, {});
    const Route& route = *admission.route;
    std::optional<Handled> handled;
    try {
      if (must_wait(request)) {
        handled = refused_at_once(route, request);
        if (!handled) {
          const bool passed =
              co_await wait_for_position(api_.parts.models, request.workspace(), *min_position_of(head));
          if (!passed) handled = error_reply(503, "Header 'X-Min-Position' is beyond what there is to read yet");
          if (passed && is_revoked(request, admission)) co_return Answer(finish(head, nullptr, unauthorized(head)));
        }
      }
      if (!handled) handled = quick_answer(route, request, body);
      if (!handled) {
        auto answering = route.slow(request, std::move(body));
        handled = co_await std::move(answering);
      }
    } catch (const std::exception& error) {
      handled = internal_error(error, route.pattern);
    }
    co_return finish(head, request.caller, *std::move(handled));
  }

  Reply refuse(const RequestHead* head, const Admission* admission, unsigned status,
               std::string_view message) override {
    auto reply = error_reply(status, message);
    if (head == nullptr) return reply;
    if (status == 413) {
      if (auto wrong_type = check_chunked(*head, "?")) reply = *std::move(wrong_type);
    }
    return finish(*head, admission ? static_cast<const Principal*>(admission->caller.get()) : nullptr,
                  std::move(reply));
  }

  void finished(const RequestHead& head, const Admission* admission, unsigned status, std::uint64_t bytes,
                std::uint64_t microseconds) override {
    const auto& parts = api_.parts;
    if (parts.metrics == nullptr && parts.access_log == nullptr) return;
    const Route* route = admission ? admission->route : nullptr;
    if (!route && !head.target.empty()) route = router_.match(head.method, split_target(head.target).path).route;
    if (parts.metrics) parts.metrics->count(route, status, microseconds, bytes);
    if (!parts.access_log) return;
    AccessLine line{route, status, microseconds, bytes, head.remote_address, head.request_id, {}};
    if (admission && admission->caller)
      line.workspace = static_cast<const Principal*>(admission->caller.get())->token.workspace;
    parts.access_log->add(line);
  }

 private:
  // A missing token is a mistake; a wrong one may be a guess, and those are counted.
  Reply refuse_login(const RequestHead& head, Timestamp now) {
    if (head.authorization.empty()) return unauthorized(head);
    const auto seconds = failed_logins_.fail(head.remote_address, now);
    if (api_.parts.metrics) api_.parts.metrics->count_failed_authentication(seconds > 0);
    return seconds == 0 ? unauthorized(head) : too_many_requests(failed_logins_.limit().policy(), seconds);
  }

  Reply no_route(const RequestHead& head, const Router::Match& match) const {
    if (!match.allow) return unknown_route();
    if (head.method == Method::options && cors_.on()) return cors_.preflight(head, *match.allow);
    auto reply = error_reply(405, fmt::format("This address knows {} only", *match.allow));
    reply.headers.append("Allow: ").append(*match.allow).append(cors_.on() ? ", OPTIONS\r\n" : "\r\n");
    return reply;
  }

  Reply limited(const Principal& principal, Timestamp now) const {
    const auto state = principal.bucket->look(limit_, now);
    return too_many_requests(limit_.policy(), std::max<std::uint64_t>(1, (state.next_in_ms + 999) / 1000));
  }

  Request make_request(const RequestHead& head, const Admission& admission, std::string_view body) const {
    const auto target = split_target(head.target);
    return {api_,
            head,
            static_cast<const Principal*>(admission.caller.get()),
            Router::path_values(*admission.route, target.path),
            target.query,
            body};
  }

  // Whether the token stopped being one since it was looked up: bodies and positions may be waited for.
  bool is_revoked(const Request& request, const Admission& admission) const {
    if (!request.caller) return false;
    const bool same = api_.parts.models.directory().token_generation() == admission.token_generation;
    if (same && !request.caller->token.expires_at) return false;
    return authenticator_.find(request.head.authorization, api_.parts.clock()) == nullptr;
  }

  bool must_wait(const Request& request) const {
    if (!request.caller || !request.head.has_min_position) return false;
    const auto position = min_position_of(request.head);
    return position && api_.parts.models.position(request.workspace()) < *position;
  }

  // A read that no position can make right is not kept waiting for one.
  static std::optional<Handled> refused_at_once(const Route& route, const Request& request) {
    const bool reads = request.head.method == Method::get || request.head.method == Method::head;
    if (!reads || !route.quick) return std::nullopt;
    auto handled = route.quick(request);
    const auto* reply = handled ? std::get_if<Reply>(&handled->answer) : nullptr;
    return reply != nullptr && reply->status == 400 ? std::move(handled) : std::nullopt;
  }

  static std::optional<Handled> quick_answer(const Route& route, Request request, std::string_view body) {
    if (!route.quick) return std::nullopt;
    request.body = body;
    return route.quick(request);
  }

  Answer finish(const RequestHead& head, const Principal* caller, Handled handled) const {
    if (auto* reply = std::get_if<Reply>(&handled.answer))
      return finish(head, caller, std::move(*reply), handled.position);
    auto started = finish(head, caller, std::move(handled.stream_head), handled.position);
    auto body_of = std::get<Stream>(std::move(handled.answer));
    return Stream([started = std::move(started), body_of = std::move(body_of)](StreamWriter& writer) {
      return start_and_stream(started, body_of, writer);
    });
  }

  // What every answer has besides its own: whose state it reflects, the rate, and who may read it.
  Reply finish(const RequestHead& head, const Principal* caller, Reply reply,
               std::optional<WorkspacePosition> position = std::nullopt) const {
    if (caller) {
      reply.headers += "X-Position: ";
      append_number(reply.headers, (position ? *position : api_.parts.models.position(caller->token.workspace)).value);
      reply.headers += "\r\n";
      if (caller->bucket) {
        const auto now = api_.parts.clock();
        append_rate_headers(reply.headers, limit_, caller->bucket->look(limit_, now), now);
      }
    }
    cors_.append_headers(reply.headers, head.origin);
    return reply;
  }

  const Api api_;
  const RateLimit limit_;
  FailedLogins failed_logins_;
  const Cors cors_;
  const Router router_;
  Buckets buckets_;
  const Authenticator authenticator_;
};

}  // namespace

Task<Handled> on_worker(const Api& api, std::function<Handled()> job) {
  std::function<void(std::function<void(Handled)>)> begin = [job = std::move(job)](const auto& done) { done(job()); };
  co_return co_await begin_on_worker(api, std::move(begin));
}

Task<Handled> begin_on_worker(const Api& api, std::function<void(std::function<void(Handled)> done)> job) {
  Workers& workers = api.parts.workers;
  auto initiate = [&workers, &job](std::function<void(Handled)> done) {
    auto run = [job = std::move(job), done] {
      try {
        job(done);
      } catch (const std::exception& error) {
        done(internal_error(error, "on a worker"));
      }
    };
    auto dropped = [done] { done(error_reply(503, "The server is stopping")); };
    if (!workers.post(std::move(run), std::move(dropped)))
      done(error_reply(503, "Too many long requests are waiting: try again"));
  };
  auto handled = co_await resume_here<Handled>(std::move(initiate));
  co_return handled;
}

void append_number(std::string& out, std::uint64_t number) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

void append_etag(std::string& headers, Version version) {
  headers += "ETag: \"";
  append_number(headers, version.value);
  headers += "\"\r\n";
}

std::unique_ptr<Service> make_api(ApiParts parts, ApiOptions options) {
  return std::make_unique<ApiService>(std::move(parts), std::move(options));
}

}  // namespace taskledger::http
