#include "http/writes.h"

#include <array>

#include "core/json_reader.h"
#include "http/async_call.h"
#include "http/entity_tags.h"
#include "http/errors.h"
#include "http/hmac.h"
#include "http/router.h"
#include "storage/sha256.h"

namespace taskledger::http {
namespace {

constexpr std::array<std::string_view, 1> kParameters{"timezone"};
constexpr std::size_t kMaxKeyCharacters = 255;

bool is_key(std::string_view key) {
  if (key.empty() || key.size() > kMaxKeyCharacters) return false;
  for (const char c : key) {
    if (c < 0x21 || c > 0x7e) return false;
  }
  return true;
}

// Of method, path, query and body; lengths keep them apart. Keyed, since it is kept: the body of a task that was erased
// cannot be confirmed by guessing.
storage::Hash hash_of(const Request& request) {
  storage::Sha256 hash;
  for (const auto part : {name_of(request.head.method), request.head.target, request.body}) {
    hash.add(std::to_string(part.size())).add(std::string_view(" ")).add(part);
  }
  return HmacSha256(request.api.options.server_key)(storage::as_bytes(hash.finish()));
}

}  // namespace

std::variant<WriteHeaders, Reply> read_write_headers(const Request& request, bool honours_if_match) {
  Parameters parameters;
  if (auto parsed = parameters.parse(request.query, kParameters); !parsed) return reply_of(parsed.error());
  auto zone = parameters.zone(request.caller->token.zone);
  if (!zone) return reply_of(zone.error());
  WriteHeaders headers;
  headers.zone = *std::move(zone);
  const RequestHead& head = request.head;
  if (head.has_idempotency_key) {
    if (!is_key(head.idempotency_key)) {
      return error_reply(400, "Header 'Idempotency-Key' must have 1 to 255 visible characters");
    }
    headers.idempotency = commands::IdempotencyKey{std::string(head.idempotency_key), hash_of(request)};
  }
  if (head.has_if_match && honours_if_match) {
    headers.if_match = parse_if_match(head.if_match);
    if (!headers.if_match) return error_reply(400, "Header 'If-Match' must be * or a list of entity tags");
  }
  return headers;
}

std::string trace_of(const RequestHead& head) {
  constexpr std::size_t kTraceparentCharacters = 55;
  return head.traceparent.size() == kTraceparentCharacters ? std::string(head.traceparent) : std::string();
}

std::optional<Reply> refuse_idempotency_key(const Request& request) {
  if (!request.head.has_idempotency_key) return std::nullopt;
  return error_reply(400, "Header 'Idempotency-Key' is not for this request");
}

Task<CommandResult> execute(const Api& api, commands::CommandHandler::Request command) {
  auto initiate = [&parts = api.parts, command = std::move(command)](auto done) mutable {
    // On the appender thread; one hop back to the io thread, when the models have passed the write.
    parts.commands.execute(std::move(command), [&parts, done = std::move(done)](CommandResult result) {
      if (!result) return done(std::move(result));
      const Position position = result->position;
      if (parts.models.passed() >= position) return done(std::move(result));  // mostly
      parts.models.when_passed(position, [&parts, done, result = std::move(result)] {
        // Let go without having passed: the models have stopped. The write is durable, but nobody could read it.
        if (parts.models.passed() < result->position)
          return done(commands::Failure{commands::Fault::unseen, std::nullopt});
        done(result);
      });
    });
  };
  return resume_here<CommandResult>(std::move(initiate));
}

Result<void> check_no_fields(std::string_view body) {
  if (body.empty()) return {};
  const json::Document document(body);
  if (!document.root()) return Invalid{"Body " + std::string(document.requirement())};
  json::Object object;
  if (document.root()->get_object().get(object) != simdjson::SUCCESS) return Invalid{"Body must be a JSON object"};
  std::uint64_t seen = 0;
  return json::read_object(json::kFields, object, {}, seen,
                           [](std::size_t, const json::Path&, const json::Element&) -> Result<void> { return {}; });
}

}  // namespace taskledger::http
