#include "http/request_parser.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

#include "http/kept_headers.h"

namespace taskledger::http {
namespace beast = boost::beast;
namespace {

// A chunk's header, or the trailer, in one piece: more is an attack.
constexpr std::size_t kMaxChunkHeader = 8 * 1024;

std::string_view std_view(beast::string_view text) { return {text.data(), text.size()}; }

bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

Method method_of(beast::http::verb method) {
  using beast::http::verb;
  switch (method) {
    case verb::get:
      return Method::get;
    case verb::head:
      return Method::head;
    case verb::post:
      return Method::post;
    case verb::put:
      return Method::put;
    case verb::patch:
      return Method::patch;
    case verb::delete_:
      return Method::del;
    case verb::options:
      return Method::options;
    default:
      return Method::other;
  }
}

std::string_view reason_of(const beast::error_code& code) {
  using beast::http::error;
  if (code == error::bad_version) return "HTTP version must be 1.0 or 1.1";
  if (code == error::bad_method) return "Malformed method";
  if (code == error::bad_target) return "Malformed request target";
  if (code == error::bad_content_length || code == error::multiple_content_length) return "Malformed Content-Length";
  if (code == error::bad_transfer_encoding) return "Transfer-Encoding must be chunked, without Content-Length";
  if (code == error::bad_chunk || code == error::bad_chunk_extension) return "Malformed chunk";
  if (code == error::bad_field || code == error::bad_value || code == error::bad_obs_fold)
    return "Malformed header field";
  return "Malformed request";
}

// Of a chunk's header or the trailer, as far as they came: Beast would wait for a CRLF.
bool has_bare_newline(std::string_view lines) {
  for (std::size_t at = lines.find('\n'); at != lines.npos; at = lines.find('\n', at + 1)) {
    if (at == 0 || lines[at - 1] != '\r') return true;
  }
  return false;
}

}  // namespace

RequestParser::RequestParser(HeadLimits limits) : limits_(limits) {
  // find_end() holds the head to its limits before Beast sees it, and decode_chunks() the body.
  header_limit(static_cast<std::uint32_t>(limits.request_line + limits.header_bytes + kMaxChunkHeader + 64));
  body_limit(boost::none);
  eager(false);
}

Parse RequestParser::refuse(unsigned status, std::string_view message) {
  status_ = status;
  message_ = message;
  return Parse::refused;
}

// Beast would take the fields one by one as they come, and leave views into a buffer that may yet move. So the end is
// found first; on the way the line endings and limits are checked.
Parse RequestParser::find_end(std::string_view bytes) {
  for (;;) {
    const std::size_t newline = bytes.find('\n', searched_);
    const bool in_line = fields_start_ == 0;
    const std::size_t so_far = newline == bytes.npos ? bytes.size() : newline + 1;
    if (in_line && so_far > limits_.request_line + 2) return refuse(414, "Request line is too long");
    if (!in_line && so_far - fields_start_ > limits_.header_bytes + 2)
      return refuse(431, "Header fields are too large");
    if (newline == bytes.npos) {
      searched_ = bytes.size();
      return Parse::need_more;
    }
    if (newline == line_start_ || bytes[newline - 1] != '\r') return refuse(400, "Lines must end with CRLF");
    if (newline - line_start_ == 1) {
      head_size_ = newline + 1;
      return Parse::complete;
    }
    if (!in_line && (bytes[line_start_] == ' ' || bytes[line_start_] == '\t'))
      return refuse(400, "Header fields must not be folded");
    if (in_line) fields_start_ = newline + 1;
    line_start_ = searched_ = newline + 1;
  }
}

Parse RequestParser::parse_head(std::string_view bytes) {
  if (const Parse end = find_end(bytes); end != Parse::complete) return end;
  Error error;
  put({bytes.data(), head_size_}, error);
  if (status_ != 0) return Parse::refused;
  if (error) return refuse(400, reason_of(error));
  if (!is_header_done()) return refuse(400, "Malformed request");
  return check_head();
}

Parse RequestParser::check_head() {
  if (hosts_ > 1) return refuse(400, "Header 'Host' is given twice");
  if (is_http_1_1() && hosts_ == 0) return refuse(400, "Header 'Host' is required");
  if (transfer_encodings_ && !is_http_1_1()) return refuse(400, "Transfer-Encoding needs HTTP/1.1");
  if (const auto length = content_length(); length && !chunked()) head_.content_length = *length;
  head_.has_body = chunked() || head_.content_length.value_or(0) > 0;
  head_.has_authorization = head_.authorization.data() != nullptr;
  head_.has_idempotency_key = head_.idempotency_key.data() != nullptr;
  head_.has_if_match = head_.if_match.data() != nullptr;
  head_.has_min_position = head_.min_position.data() != nullptr;
  return take_target(target_);
}

Parse RequestParser::take_target(std::string_view target) {
  head_.target = target;
  if (target.starts_with('/')) return Parse::complete;
  if (target == "*") return head_.method == Method::options ? Parse::complete : refuse(400, "Malformed request target");
  if (iequals(method_, "CONNECT")) return Parse::complete;  // names an authority; the service answers
  const std::size_t scheme = target.find("://");
  if (scheme == target.npos) return refuse(400, "Malformed request target");
  const std::string_view name = target.substr(0, scheme);
  if (!iequals(name, "http") && !iequals(name, "https")) return refuse(400, "Malformed request target");
  const std::string_view rest = target.substr(scheme + 3);
  const std::size_t path = rest.find_first_of("/?");
  if (path == 0 || rest.empty()) return refuse(400, "Malformed request target");
  if (path == rest.npos) {
    head_.target = "/";
  } else if (rest[path] == '/') {
    head_.target = rest.substr(path);
  } else {
    rewritten_target_ = '/';
    rewritten_target_ += rest.substr(path);
    head_.target = rewritten_target_;
  }
  return Parse::complete;
}

void RequestParser::on_request_impl(Verb method, View method_text, View target, int version, Error&) {
  head_.method = method_of(method);
  method_ = std_view(method_text);
  target_ = std_view(target);
  version_ = version;
}

void RequestParser::on_field_impl(Field field, View name, View value, Error& ec) {
  if (!in_head_) {
    trailer_size_ += name.size() + value.size() + 4;
    if (trailer_size_ > kMaxChunkHeader) ec = beast::http::error::bad_chunk;
    return;
  }
  switch (field) {
    case Field::host:
      ++hosts_;
      if (value.find_first_of(" \t/?#@\\,") != View::npos) ec = beast::http::error::bad_value;
      return;
    case Field::transfer_encoding:
      // "gzip, chunked", "identity", "chunked, chunked", twice "chunked": what a proxy in front may read otherwise.
      if (++transfer_encodings_ > 1 || !iequals(std_view(value), "chunked"))
        ec = beast::http::error::bad_transfer_encoding;
      return;
    case Field::expect:
      expects_continue_ = iequals(std_view(value), "100-continue") && is_http_1_1();
      return;
    case Field::accept:
    case Field::accept_encoding:
    case Field::accept_language:
    case Field::connection:
    case Field::user_agent:
    case Field::content_length:
    case Field::cache_control:
    case Field::cookie:
      return;
    default:
      note_field(std_view(name), std_view(value));
  }
}

void RequestParser::note_field(std::string_view name, std::string_view value) {
  for (std::size_t index = 0; index < kKeptHeaders.size(); ++index) {
    if (!iequals(kKeptHeaders[index].name, name)) continue;
    std::string_view& kept = head_.*kKeptHeaders[index].value;
    if (kept.data()) {
      set_repeated(head_, index);
    } else {
      kept = value;
    }
    return;
  }
}

void RequestParser::on_chunk_header_impl(std::uint64_t size, View extensions, Error& ec) {
  // Beast takes quoted strings for what they hold; who is in front may take a line feed for the line's end.
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; };
  if (extensions.size() > kMaxChunkHeader || std::any_of(extensions.begin(), extensions.end(), is_control)) {
    ec = beast::http::error::bad_chunk_extension;
    return;
  }
  if (size <= body_limit_ && body_->size() <= body_limit_ - size) return;
  refuse(413, "Body is too large");
  ec = beast::http::error::body_limit;
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, View body, Error&) {
  body_->append(body.data(), body.size());
  return body.size();
}

Parse RequestParser::decode_chunks(std::string_view bytes, std::size_t& used, std::string& body, std::uint64_t limit) {
  body_ = &body;
  body_limit_ = limit;
  used = 0;
  while (!is_done()) {
    if (used == bytes.size()) return Parse::need_more;
    Error error;
    used += put({bytes.data() + used, bytes.size() - used}, error);
    if (status_ != 0) return Parse::refused;
    if (error == beast::http::error::need_more) {
      const bool malformed = bytes.size() - used > kMaxChunkHeader || has_bare_newline(bytes.substr(used));
      return malformed ? refuse(400, "Malformed chunk") : Parse::need_more;
    }
    if (error) return refuse(400, reason_of(error));
  }
  return Parse::complete;
}

}  // namespace taskledger::http
