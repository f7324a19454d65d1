#include "http/errors.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "core/text.h"
#include "reactors/webhooks.h"

namespace taskledger::http {
namespace {

constexpr std::string_view kRetrySoon = "Retry-After: 1\r\n";

void append_message(std::string& out, std::string_view message) {
  if (is_valid_utf8(message)) return append_json_string(out, message);
  std::string shown(message);
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  append_json_string(out, shown);
}

// `extra` is appended before the closing brace.
Reply make(unsigned status, std::string_view code, std::string_view message, std::string_view extra = {}) {
  Reply reply;
  reply.status = status;
  reply.body.reserve(64 + message.size() + extra.size());
  reply.body = R"({"error":true,"code":")";
  reply.body.append(code).append(R"(","message":)");
  append_message(reply.body, message);
  reply.body.append(extra).append("}");
  if (status == 401) reply.headers = "WWW-Authenticate: Bearer\r\n";
  if (status == 503) reply.headers = kRetrySoon;
  return reply;
}

Reply indexed(unsigned status, std::string_view message, std::optional<std::size_t> index) {
  if (!index) return make(status, code_of(status), message);
  return make(status, code_of(status), message, fmt::format(R"(,"index":{})", *index));
}

struct StatusAndText {
  unsigned status;
  std::string_view text;
};

StatusAndText explain(Refusal refusal) {
  switch (refusal) {
    case Refusal::not_found:
      return {404, kTaskNotFound};
    case Refusal::already_exists:
      return {409, "Task exists already"};
    case Refusal::not_deleted:
      return {409, "Task is not deleted"};
    case Refusal::erased:
      return {409, "Task is erased"};
    case Refusal::event_not_found:
      return {404, "Event not found"};
    case Refusal::superseded:
      return {409, "A later event changed the same fields"};
    case Refusal::nothing_to_undo:
      return {409, "There is nothing to undo"};
  }
  return {500, "Internal error"};
}

StatusAndText explain(commands::Fault fault) {
  using commands::Fault;
  switch (fault) {
    case Fault::precondition_failed:
      return {412, "Header 'If-Match' does not name the task's current version"};
    case Fault::key_reused:
      return {422, "Header 'Idempotency-Key' was used with another request"};
    case Fault::key_in_flight:
      return {409, "The first request with this 'Idempotency-Key' is still under way"};
    case Fault::busy:
      return {503, "Too many writes are waiting: try again"};
    case Fault::unavailable:
      return {503, "Writes are not possible at the moment"};
    case Fault::unseen:
      return {503, "The change is made and kept, but cannot be read yet"};
  }
  return {500, "Internal error"};
}

}  // namespace

std::string_view code_of(unsigned status) noexcept {
  switch (status) {
    case 400:
      return "VALIDATION_ERROR";
    case 401:
      return "UNAUTHORIZED";
    case 403:
      return "FORBIDDEN";
    case 404:
      return "RECORD_NOT_FOUND";
    case 405:
      return "METHOD_NOT_ALLOWED";
    case 408:
      return "REQUEST_TIMEOUT";
    case 409:
      return "CONFLICT";
    case 412:
      return "PRECONDITION_FAILED";
    case 413:
      return "PAYLOAD_TOO_LARGE";
    case 414:
      return "URI_TOO_LONG";
    case 415:
      return "UNSUPPORTED_MEDIA_TYPE";
    case 422:
      return "IDEMPOTENCY_KEY_REUSED";
    case 429:
      return "RATE_LIMITED";
    case 431:
      return "HEADERS_TOO_LARGE";
    case 503:
      return "UNAVAILABLE";
    default:
      return "INTERNAL_ERROR";
  }
}

Reply error_reply(unsigned status, std::string_view message) { return make(status, code_of(status), message); }

Reply unknown_route() { return make(404, "NOT_FOUND", "There is nothing at this address"); }

Reply too_many_requests(std::string_view policy, std::uint64_t retry_after_seconds) {
  auto extra = std::string(R"(,"policy":)");
  append_json_string(extra, policy);
  extra += fmt::format(R"(,"retryAfterSeconds":{})", retry_after_seconds);
  auto reply = make(429, code_of(429), "Too many requests", extra);
  reply.headers = fmt::format("Retry-After: {}\r\n", retry_after_seconds);
  return reply;
}

Reply reply_of(const Invalid& error) { return error_reply(400, error.message); }

Reply reply_of(const BatchInvalid& error) { return indexed(400, error.message, error.index); }

Reply reply_of(const commands::Failure& failure) {
  const auto [status, text] = std::visit([](auto why) { return explain(why); }, failure.why);
  if (!failure.index) return error_reply(status, text);
  return indexed(status, fmt::format("records[{}]: {}", *failure.index, text), failure.index);
}

Reply reply_of(storage::AppendError error) {
  switch (error) {
    case storage::AppendError::conflict:
      return error_reply(409, "Something else changed it at the same time");
    case storage::AppendError::queue_full:
      return reply_of(commands::Failure{commands::Fault::busy, std::nullopt});
    case storage::AppendError::unavailable:
    case storage::AppendError::closed:
      break;
  }
  return reply_of(commands::Failure{commands::Fault::unavailable, std::nullopt});
}

Reply reply_of(const storage::ReadError& error) {
  spdlog::error("reading failed: {}", error.what);
  return error_reply(503, "Data could not be read");
}

Reply reply_of(const reactors::WebhookFailure& failure) {
  using Kind = reactors::WebhookFailure::Kind;
  switch (failure.kind) {
    case Kind::invalid:
      return error_reply(400, failure.message);
    case Kind::not_found:
      return error_reply(404, failure.message);
    case Kind::conflict:
      return error_reply(409, failure.message);
    case Kind::busy:
      return reply_of(storage::AppendError::queue_full);
    case Kind::unavailable:
      break;
  }
  return error_reply(503, failure.message);
}

}  // namespace taskledger::http
