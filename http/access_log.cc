#include "http/access_log.h"

#include <fmt/format.h>

#include <iterator>
#include <string>

#include "core/timestamp.h"
#include "http/router.h"

namespace taskledger::http {

void AccessLog::add(const AccessLine& line) const {
  thread_local std::uint32_t passed = 0;
  thread_local std::string text;
  if (every_ == 0 || (line.status < 500 && ++passed % every_ != 0)) return;
  text.clear();
  const std::string_view method = line.route ? name_of(line.route->method) : "-";
  const std::string_view route = line.route ? line.route->pattern : "-";
  const auto out = std::back_inserter(text);
  const std::string time = to_rfc3339(clock_());
  if (json_) {
    fmt::format_to(
        out,
        R"({{"time":"{}","level":"info","message":"request","method":"{}","route":"{}","status":{},"us":{},"bytes":{},"remote":"{}")",
        time, method, route, line.status, line.microseconds, line.bytes, line.remote);
    if (line.workspace) fmt::format_to(out, R"(,"workspace":{})", line.workspace->value);
    fmt::format_to(out, R"(,"request_id":"{}"}})", line.request_id);
  } else {
    fmt::format_to(out, "{} {} {} {} {}us {}B {}", time, method, route, line.status, line.microseconds, line.bytes,
                   line.remote);
    if (line.workspace) fmt::format_to(out, " workspace={}", line.workspace->value);
    fmt::format_to(out, " id={}", line.request_id);
  }
  text += '\n';
  write_(text);
}

}  // namespace taskledger::http
