// Reads one HTTP/1.x request head, and the chunks of its body. The grammar is Beast's; this adds what a server must
// refuse besides: line endings other than CRLF, folded fields, transfer codings other than chunked, a missing or
// repeated Host, forms of the target that make no sense, and the limits of line and fields.
//
// One parser a request, made anew for the next: it allocates nothing; the head's views point into the bytes it was
// given (which must therefore stay where they are) or into the parser.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace taskledger::http {

struct HeadLimits {
  std::size_t request_line = 0;  // bytes, without its end: 414
  std::size_t header_bytes = 0;  // all fields with their ends: 431
};

enum class Parse { need_more, complete, refused };

class RequestParser final : private boost::beast::http::basic_parser<true> {
  using Base = boost::beast::http::basic_parser<true>;

 public:
  explicit RequestParser(HeadLimits limits);

  // `bytes`: everything of the request so far, from its first byte; each call has what the last one had, and more.
  // Once complete, head_size() bytes are the head and the rest is body or the next request.
  [[nodiscard]] Parse parse_head(std::string_view bytes);
  [[nodiscard]] std::size_t head_size() const { return head_size_; }
  [[nodiscard]] RequestHead& head() { return head_; }
  [[nodiscard]] bool keep_alive() const { return Base::keep_alive(); }
  [[nodiscard]] bool is_http_1_1() const { return version_ == 11; }
  [[nodiscard]] bool is_chunked() const { return Base::chunked(); }
  [[nodiscard]] bool expects_continue() const { return expects_continue_; }

  // Decodes a chunked body onto `body`; `used` of `bytes` are done with, the rest must be given again with more behind.
  // Refused with 413 when the body grows over `limit`.
  [[nodiscard]] Parse decode_chunks(std::string_view bytes, std::size_t& used, std::string& body, std::uint64_t limit);

  // After `refused`.
  [[nodiscard]] unsigned status() const { return status_; }
  [[nodiscard]] std::string_view message() const { return message_; }

 private:
  using Error = boost::beast::error_code;
  using Verb = boost::beast::http::verb;
  using Field = boost::beast::http::field;
  using View = boost::beast::string_view;

  Parse refuse(unsigned status, std::string_view message);
  Parse find_end(std::string_view bytes);  // of the head
  Parse check_head();
  Parse take_target(std::string_view target);
  void note_field(std::string_view name, std::string_view value);

  void on_request_impl(Verb method, View method_text, View target, int version, Error& ec) override;
  void on_response_impl(int, View, int, Error&) override {}
  void on_field_impl(Field field, View name, View value, Error& ec) override;
  void on_header_impl(Error&) override { in_head_ = false; }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, Error&) override {}
  std::size_t on_body_impl(View body, Error&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t size, View extensions, Error& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, View body, Error& ec) override;
  void on_finish_impl(Error&) override {}

  const HeadLimits limits_;
  RequestHead head_;
  std::size_t line_start_ = 0;    // of the line whose end is looked for
  std::size_t searched_ = 0;      // bytes known to hold no end of it
  std::size_t fields_start_ = 0;  // 0: still in the request line
  std::size_t head_size_ = 0;
  std::string_view target_, method_;
  int version_ = 0;
  unsigned hosts_ = 0, transfer_encodings_ = 0;
  bool in_head_ = true, expects_continue_ = false;
  std::string rewritten_target_;  // of "http://host?query" only
  std::string* body_ = nullptr;   // during decode_chunks
  std::uint64_t body_limit_ = 0;
  std::size_t trailer_size_ = 0;
  unsigned status_ = 0;
  std::string_view message_;
};

}  // namespace taskledger::http
