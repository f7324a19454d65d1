#include "app/http_client.h"

#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <simdjson.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>

#include "app/command.h"
#include "reactors/connect.h"
#include "reactors/expected_host.h"
#include "reactors/http_client.h"
#include "reactors/url.h"

namespace taskledger::app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
constexpr std::uint64_t kMaxAnswerBytes = 64 << 20;
constexpr std::string_view kNoConnection = "no connection";

// Where the server is, `target` being what every path there begins with.
reactors::Url parse_base(const std::string& text) {
  auto url = reactors::parse_url(text);
  if (!url) {
    constexpr std::string_view kField = "Field 'url' ";
    throw CLI::ValidationError("--url", fmt::format("{}: {}", url.error().message.substr(kField.size()), text));
  }
  if (url->target.find('?') != std::string::npos) throw CLI::ValidationError("--url", "must not have a query: " + text);
  while (url->target.ends_with('/')) url->target.pop_back();
  return *std::move(url);
}

using Request = beast::http::request<beast::http::string_body>;
using Parser = beast::http::response_parser<beast::http::string_body>;

// Runs what was started on `context`; beast's own deadline on the stream ends it.
void finish(asio::io_context& context, const beast::error_code& error, std::string_view what,
            std::chrono::milliseconds deadline) {
  context.restart();
  context.run();
  if (error == beast::error::timeout)
    throw Failed(fmt::format("{} within {:g} s", what, static_cast<double>(deadline.count()) / 1000));
  if (error == beast::http::error::end_of_stream || error == beast::http::error::partial_message)
    throw Failed("the server ended the connection before the end of its answer");
  if (error) throw beast::system_error(error);
}

// A server that is gone, its machine or the way there, is noticed after a minute; one that takes its time is not.
void keep_alive(asio::ip::tcp::socket& socket) {
  socket.set_option(asio::socket_base::keep_alive(true));
  const auto set = [&socket](int option, int value) {
    static_cast<void>(::setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value));
  };
  set(TCP_KEEPIDLE, 30);
  set(TCP_KEEPINTVL, 10);
  set(TCP_KEEPCNT, 3);
}

template <class Stream>
void exchange(asio::io_context& context, Stream& stream, const Request& request, Parser& parser,
              const HttpPatience& patience) {
  auto& socket = beast::get_lowest_layer(stream);
  beast::error_code failed;
  beast::flat_buffer buffer;
  socket.expires_after(patience.send);
  beast::http::async_write(stream, request, [&failed](beast::error_code error, std::size_t) { failed = error; });
  finish(context, failed, "the request could not be sent", patience.send);
  if (patience.answer) {
    socket.expires_after(*patience.answer);
  } else {
    socket.expires_never();
    keep_alive(socket.socket());
  }
  beast::http::async_read(stream, buffer, parser, [&failed](beast::error_code error, std::size_t) { failed = error; });
  finish(context, failed, "no answer", patience.answer.value_or(std::chrono::milliseconds{}));
}

void connect(asio::io_context& context, beast::tcp_stream& stream, const reactors::Url& url,
             const HttpPatience& patience) {
  reactors::Resolver resolver;
  const auto found = resolver.resolve_now(url.host, patience.connect);
  if (!found.error.empty()) throw Failed(found.error);
  std::vector<asio::ip::tcp::endpoint> endpoints;
  for (const auto& address : found.addresses) endpoints.emplace_back(address, url.port);
  beast::error_code failed;
  const auto deadline = std::chrono::steady_clock::now() + patience.connect;
  asio::co_spawn(context, reactors::connect_to_any(stream, std::move(endpoints), deadline),
                 [&failed](std::exception_ptr error, beast::error_code outcome) {
                   if (error) std::rethrow_exception(error);
                   failed = outcome;
                 });
  finish(context, failed, kNoConnection, patience.connect);
}

void exchange_over_tls(asio::io_context& context, const reactors::Url& url, const Request& request, Parser& parser,
                       const HttpPatience& patience) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  tls.set_default_verify_paths();
  tls.set_verify_mode(asio::ssl::verify_peer);
  beast::ssl_stream<beast::tcp_stream> stream(context, tls);
  if (!reactors::expect_host(*stream.native_handle(), url.host)) throw Failed("the host's name cannot be checked");
  connect(context, beast::get_lowest_layer(stream), url, patience);
  beast::error_code failed;
  stream.async_handshake(asio::ssl::stream_base::client, [&failed](beast::error_code error) { failed = error; });
  finish(context, failed, kNoConnection, patience.connect);
  exchange(context, stream, request, parser, patience);
}

}  // namespace

HttpAnswer http_request(const std::string& base, const std::string& token, std::string_view method,
                        std::string_view target, std::string_view body, const HttpPatience& patience) {
  const reactors::Url url = parse_base(base);
  Request request;
  request.method_string(beast::string_view(method.data(), method.size()));
  const std::string whole_target = url.target + std::string(target);
  request.target(whole_target);
  request.set(beast::http::field::host, url.authority());
  request.set(beast::http::field::authorization, "Bearer " + token);
  request.set(beast::http::field::connection, "close");
  if (!body.empty()) {
    request.set(beast::http::field::content_type, "application/json");
    request.body() = body;
  }
  request.prepare_payload();
  Parser parser;
  parser.body_limit(kMaxAnswerBytes);
  try {
    asio::io_context context;
    if (url.secure) {
      exchange_over_tls(context, url, request, parser, patience);
    } else {
      beast::tcp_stream stream(context);
      connect(context, stream, url, patience);
      exchange(context, stream, request, parser, patience);
    }
  } catch (const boost::system::system_error& error) {
    throw Failed(fmt::format("{}: {}", base, error.code().message()));
  } catch (const Failed& failed) {
    throw Failed(fmt::format("{}: {}", base, failed.what()));
  }
  return {parser.get().result_int(), std::move(parser.get().body())};
}

std::string http_request_ok(const std::string& base, const std::string& token, std::string_view method,
                            std::string_view target, std::string_view body, const HttpPatience& patience) {
  HttpAnswer answer = http_request(base, token, method, target, body, patience);
  if (answer.status >= 200 && answer.status < 300) return std::move(answer.body);
  std::string reason = "HTTP status " + std::to_string(answer.status);
  simdjson::dom::parser parser;
  std::string_view message;
  if (parser.parse(answer.body)["message"].get(message) == simdjson::SUCCESS) reason = message;
  throw Failed(base + ": " + reason);
}

}  // namespace taskledger::app
