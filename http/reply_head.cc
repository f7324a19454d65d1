#include "http/reply_head.h"

#include <fmt/format.h>

#include <array>
#include <boost/beast/http/status.hpp>
#include <chrono>

namespace taskledger::http {
namespace {

void append_status_line(std::string& out, unsigned status) {
  if (status == 200) {
    out += "HTTP/1.1 200 OK\r\n";
    return;
  }
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  out += "HTTP/1.1 ";
  out += fmt::format_int(status).c_str();
  out += ' ';
  out.append(reason.data(), reason.size());
  out += "\r\n";
}

}  // namespace

bool has_body(const Reply& reply) { return reply.status >= 200 && reply.status != 204 && reply.status != 304; }

void append_reply_head(std::string& out, const Reply& reply, const HeadOptions& options) {
  append_status_line(out, reply.status);
  if (has_body(reply)) {
    if (!reply.body.empty() || options.ending != Ending::length) {
      out += "Content-Type: ";
      out += reply.content_type;
      out += "\r\n";
    }
    if (options.ending == Ending::length) {
      const fmt::format_int length(reply.body_size());
      out += "Content-Length: ";
      out.append(length.data(), length.size());
      out += "\r\n";
    } else if (options.ending == Ending::chunked) {
      out += "Transfer-Encoding: chunked\r\n";
    }
  }
  if (options.close) {
    out += "Connection: close\r\n";
  } else if (options.keep_alive_http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  out += options.date_line;
  out += options.standard_lines;
  if (!options.request_id.empty()) {
    out += "X-Request-Id: ";
    out += options.request_id;
    out += "\r\n";
  }
  out += reply.headers;
  out += "\r\n";
}

std::string date_line(Timestamp time) {
  using namespace std::chrono;
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const sys_seconds at{floor<seconds>(milliseconds{time.ms})};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss clock{at - day};
  return fmt::format("Date: {}, {:02} {} {:04} {:02}:{:02}:{:02} GMT\r\n", kDays[weekday{day}.c_encoding()],
                     unsigned{date.day()}, kMonths[unsigned{date.month()} - 1], int{date.year()}, clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

}  // namespace taskledger::http
