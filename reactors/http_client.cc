#include "reactors/http_client.h"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <cerrno>
#include <list>
#include <optional>
#include <stdexcept>

#include "reactors/address_policy.h"
#include "reactors/connect.h"
#include "reactors/expected_host.h"

namespace taskledger::reactors {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::uint64_t kMaxAnswerBytes = 64 * 1024;  // of a body; a longer one costs the connection
constexpr std::uint32_t kMaxAnswerHeader = 16 * 1024;

std::string describe(std::string_view doing, const error_code& error) {
  if (error == beast::error::timeout) return std::string(doing) + " took too long";
  if (error == http::error::end_of_stream || error == asio::error::eof || error == ssl::error::stream_truncated) {
    return std::string(doing) + ": the connection was closed";
  }
  return std::string(doing) + ": " + error.message();
}

struct Connection {
  using Tls = beast::ssl_stream<beast::tcp_stream>;
  Connection(asio::io_context& io, ssl::context* context) {
    if (context != nullptr) {
      tls.emplace(io, *context);
    } else {
      plain.emplace(io);
    }
  }
  beast::tcp_stream& tcp() { return tls ? tls->next_layer() : *plain; }

  std::optional<beast::tcp_stream> plain;
  std::optional<Tls> tls;
  beast::flat_buffer buffer;
  SteadyClock::time_point last_used;
};

// Whether nothing has come since the answer, wherever it may be by now: the buffer, the TLS layers, the socket. What
// came belongs to no request, and would be taken for the answer to the next one; and a connection that was closed takes
// none. A late message of TLS itself counts too, and costs a handshake.
bool is_quiet(Connection& connection) {
  if (connection.buffer.size() > 0) return false;
  if (connection.tls) {
    SSL* tls = connection.tls->native_handle();
    if (SSL_has_pending(tls) != 0 || BIO_ctrl_pending(SSL_get_rbio(tls)) > 0) return false;
  }
  char byte = 0;
  const auto peeked = ::recv(connection.tcp().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return peeked < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

struct Exchange {
  HttpOutcome outcome;
  bool keeps_alive = false;
  bool stale = false;  // nothing came back: on a connection that was idle, most likely closed by the peer before
};

using Request = http::request<http::string_body>;

// Writes the request and reads the answer to its end, or to what is enough of it.
template <class Stream>
asio::awaitable<Exchange> exchange(Stream& stream, beast::flat_buffer& buffer, const Request& request) {
  Exchange result;
  const auto [write_error, written] = co_await http::async_write(stream, request, kAsTuple);
  if (write_error) {
    result.outcome.error = describe("sending the request", write_error);
    result.stale = write_error != beast::error::timeout;
    co_return result;
  }
  for (;;) {
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxAnswerBytes);
    parser.header_limit(kMaxAnswerHeader);
    const auto [read_error, read] = co_await http::async_read(stream, buffer, parser, kAsTuple);
    if (!parser.is_header_done()) {
      result.outcome.error = describe("waiting for the answer", read_error);
      result.stale = !parser.got_some() && read_error != beast::error::timeout;
      co_return result;
    }
    const unsigned status = parser.get().result_int();
    if (!read_error && status < 200) continue;  // an interim answer
    result.outcome.status = static_cast<std::uint16_t>(status);
    result.keeps_alive = !read_error && parser.keep_alive();
    co_return result;
  }
}

}  // namespace

struct TlsTrust::Impl {
  ssl::context context{ssl::context::tls_client};
};

TlsTrust::TlsTrust(const std::string& extra_ca_file) : impl_(std::make_unique<Impl>()) {
  ssl::context& context = impl_->context;
  context.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                      ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  error_code error;
  context.set_default_verify_paths(error);  // a machine without certificates trusts nobody, and can still send http
  if (extra_ca_file.empty()) return;
  context.load_verify_file(extra_ca_file, error);
  if (error) throw std::runtime_error("cannot read certificates from " + extra_ca_file + ": " + error.message());
}
TlsTrust::~TlsTrust() = default;

struct IdleConnections::Impl {
  struct Kept {
    const void* of;  // the client
    std::unique_ptr<Connection> connection;
  };
  const ConnectionGate& gate;
  std::list<Kept> kept;  // the latest used last

  void keep(const void* of, std::unique_ptr<Connection> connection) {
    connection->tcp().expires_never();
    connection->last_used = SteadyClock::now();
    kept.push_back({of, std::move(connection)});
  }
  // The one used last of those that are still good; nullptr: there is none.
  std::unique_ptr<Connection> take(const void* of) {
    for (auto at = kept.end(); at != kept.begin();) {
      --at;
      if (at->of != of) continue;
      auto connection = std::move(at->connection);
      at = kept.erase(at);
      if (is_quiet(*connection)) return connection;
    }
    return nullptr;
  }
  void forget(const void* of) {
    std::erase_if(kept, [of](const Kept& one) { return one.of == of; });
  }
  // For one more connection, of a request that has its place.
  void make_room() {
    while (!kept.empty() && gate.inside() + kept.size() > gate.limit()) kept.pop_front();
  }
};

IdleConnections::IdleConnections(const ConnectionGate& gate) : impl_(new Impl{gate, {}}) {}
IdleConnections::~IdleConnections() = default;
void IdleConnections::clear() { impl_->kept.clear(); }
std::size_t IdleConnections::size() const { return impl_->kept.size(); }

void IdleConnections::close_old(std::chrono::milliseconds unused) {
  const auto oldest = SteadyClock::now() - unused;
  std::erase_if(impl_->kept, [&](const Impl::Kept& one) {
    return one.connection->last_used < oldest || !is_quiet(*one.connection);
  });
}

struct HttpClient::Impl {
  asio::io_context& io;
  Url url;
  const WebhookSettings& settings;
  Resolver& resolver;
  TlsTrust& trust;
  IdleConnections::Impl& idle;

  struct Connected {
    std::unique_ptr<Connection> connection;
    std::string error;
  };

  [[nodiscard]] SteadyClock::time_point step_deadline(SteadyClock::time_point deadline) const {
    return std::min(deadline, SteadyClock::now() + settings.connect_timeout);
  }

  asio::awaitable<Connected> connect(SteadyClock::time_point deadline) {
    Connected result;
    Resolver::Answer names = co_await resolver.resolve(url.host, settings.connect_timeout);
    if (!names.error.empty()) {
      result.error = std::move(names.error);
      co_return result;
    }
    std::vector<tcp::endpoint> endpoints;
    for (const auto& address : names.addresses) {
      if (is_allowed(address, settings.allow_private)) endpoints.emplace_back(address, url.port);
    }
    if (endpoints.empty()) {
      result.error = "the host's address is not a public one";
      co_return result;
    }
    idle.make_room();
    auto connection = std::make_unique<Connection>(io, url.secure ? &trust.impl().context : nullptr);
    const error_code error = co_await connect_to_any(connection->tcp(), std::move(endpoints), step_deadline(deadline));
    if (error) {
      result.error = describe("connecting", error);
      co_return result;
    }
    error_code ignored;
    connection->tcp().socket().set_option(tcp::no_delay(true), ignored);
    if (connection->tls) {
      result.error = co_await handshake(*connection, step_deadline(deadline));
      if (!result.error.empty()) co_return result;
    }
    result.connection = std::move(connection);
    co_return result;
  }

  asio::awaitable<std::string> handshake(Connection& connection, SteadyClock::time_point deadline) {
    auto& stream = *connection.tls;
    if (!expect_host(*stream.native_handle(), url.host))
      co_return std::string("TLS handshake: the host's name cannot be checked");
    stream.set_verify_mode(ssl::verify_peer);
    connection.tcp().expires_at(deadline);
    const auto [error] = co_await stream.async_handshake(ssl::stream_base::client, kAsTuple);
    if (!error) co_return std::string();
    if (const long why = SSL_get_verify_result(stream.native_handle()); why != X509_V_OK) {
      co_return std::string("certificate: ") + X509_verify_cert_error_string(why);
    }
    co_return describe("TLS handshake", error);
  }

  [[nodiscard]] Request make_request(HttpPost post) const {
    Request request(http::verb::post, url.target, 11);
    request.set(http::field::host, url.authority());
    request.set(http::field::user_agent, settings.user_agent);
    request.set(http::field::content_type, "application/json");
    for (const auto& [name, value] : post.headers) request.set(name, value);
    request.body() = std::move(post.body);
    request.prepare_payload();
    return request;
  }
};

HttpClient::HttpClient(asio::io_context& io, Url url, const WebhookSettings& settings, Resolver& resolver,
                       TlsTrust& trust, IdleConnections& idle)
    : impl_(new Impl{io, std::move(url), settings, resolver, trust, idle.impl()}) {}
HttpClient::~HttpClient() { impl_->idle.forget(impl_.get()); }

asio::awaitable<HttpOutcome> HttpClient::post(HttpPost post) {
  const Request request = impl_->make_request(std::move(post));
  const auto deadline = SteadyClock::now() + impl_->settings.total_timeout;
  std::unique_ptr<Connection> connection = impl_->idle.take(impl_.get());
  bool fresh = !connection;
  for (;;) {
    if (!connection) {
      Impl::Connected connected = co_await impl_->connect(deadline);
      if (!connected.connection) {
        HttpOutcome refused;
        refused.error = std::move(connected.error);
        co_return refused;
      }
      connection = std::move(connected.connection);
      fresh = true;
    }
    connection->tcp().expires_at(deadline);
    Exchange result;
    if (connection->tls) {
      result = co_await exchange(*connection->tls, connection->buffer, request);
    } else {
      result = co_await exchange(*connection->plain, connection->buffer, request);
    }
    if (result.stale && !fresh) {
      connection.reset();
      impl_->idle.forget(impl_.get());  // as old as this one, or older
      continue;
    }
    if (result.keeps_alive && is_quiet(*connection)) impl_->idle.keep(impl_.get(), std::move(connection));
    co_return result.outcome;
  }
}

}  // namespace taskledger::reactors
