#include "http/operator_service.h"

#include "http/errors.h"
#include "http/parameters.h"

namespace taskledger::http {
namespace {

Reply ok() {
  Reply reply;
  reply.body = R"({"status":"ok"})";
  return reply;
}

class OperatorService final : public Service {
 public:
  explicit OperatorService(OperatorParts parts) : parts_(std::move(parts)) {}

  std::variant<Admission, Reply> admit(const RequestHead& head) override {
    const auto path = split_target(head.target).path;
    const bool known = path == "/metrics" || path == "/healthz" || path == "/readyz";
    if (!known) return unknown_route();
    if (head.method != Method::get && head.method != Method::head) {
      auto reply = error_reply(405, "This address knows GET, HEAD only");
      reply.headers += "Allow: GET, HEAD\r\n";
      return reply;
    }
    if (path == "/healthz") return ok();
    return path == "/readyz" ? readiness_reply(parts_.not_ready()) : metrics_reply(parts_.scrape());
  }

  // Nothing is admitted that would ask these.
  std::optional<Reply> answer_now(const RequestHead&, const Admission&, std::string_view) override {
    return unknown_route();
  }
  Task<Answer> answer(const RequestHead&, const Admission&, std::string) override { co_return Answer(unknown_route()); }

  Reply refuse(const RequestHead*, const Admission*, unsigned status, std::string_view message) override {
    return error_reply(status, message);
  }
  void finished(const RequestHead&, const Admission*, unsigned, std::uint64_t, std::uint64_t) override {}

 private:
  const OperatorParts parts_;
};

}  // namespace

Reply metrics_reply(std::string text) {
  Reply reply;
  reply.body = std::move(text);
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return reply;
}

Reply readiness_reply(const std::optional<std::string>& not_ready) {
  return not_ready ? error_reply(503, *not_ready) : ok();
}

std::unique_ptr<Service> make_operator_service(OperatorParts parts) {
  return std::make_unique<OperatorService>(std::move(parts));
}

}  // namespace taskledger::http
