#include "tests/reactors/receiver.h"

#include <sys/socket.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <thread>

namespace taskledger::reactors {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct Receiver::Impl {
  asio::io_context io;
  tcp::acceptor acceptor{io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::optional<asio::ssl::context> tls;
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  React react;
  std::vector<Received> received;
  std::vector<int> sockets;  // of the connections that are open
  std::vector<std::thread> threads;
  std::atomic<bool> stopping{false};
  unsigned connections = 0;
  bool keeping = true;

  template <class Stream>
  static std::optional<Received> read(Stream& stream, std::string& buffer) {
    error_code error;
    const std::size_t end = asio::read_until(stream, asio::dynamic_buffer(buffer), "\r\n\r\n", error);
    if (error) return std::nullopt;
    Received request;
    request.head = buffer.substr(0, end);
    buffer.erase(0, end);
    std::size_t at = request.head.find("\r\n") + 2;
    while (at + 2 < request.head.size()) {
      const std::size_t line_end = request.head.find("\r\n", at), colon = request.head.find(": ", at);
      std::string name = request.head.substr(at, colon - at);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      request.headers[name] = request.head.substr(colon + 2, line_end - colon - 2);
      at = line_end + 2;
    }
    const std::size_t length =
        request.headers.contains("content-length") ? std::stoul(request.headers["content-length"]) : 0;
    if (buffer.size() < length) {
      asio::read(stream, asio::dynamic_buffer(buffer), asio::transfer_exactly(length - buffer.size()), error);
      if (error) return std::nullopt;
    }
    request.body = buffer.substr(0, length);
    buffer.erase(0, length);
    return request;
  }

  template <class Stream>
  void serve(Stream& stream, tcp::socket& socket, unsigned connection) {
    std::string buffer;
    while (auto request = read(stream, buffer)) {
      request->connection = connection;
      React how;
      {
        const std::lock_guard lock(mutex);
        how = react;
        if (keeping) received.push_back(*request);
      }
      changed.notify_all();
      const Reaction reaction = how ? how(*request) : Reaction{};
      if (reaction.hang) {
        while (!stopping) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return;
      }
      if (reaction.reset) {
        socket.set_option(asio::socket_base::linger(true, 0));
        return;
      }
      std::string answer = "HTTP/1.1 " + std::to_string(reaction.status) + " x\r\n" + reaction.headers;
      if (reaction.status != 204) answer += "Content-Length: " + std::to_string(reaction.body.size()) + "\r\n";
      answer += "\r\n" + reaction.body;
      if (!reaction.raw.empty()) answer = reaction.raw;
      error_code error, ignored;
      asio::write(stream, asio::buffer(answer), error);
      if (!error && !reaction.more.empty()) asio::write(stream, asio::buffer(reaction.more), error);
      if (reaction.close) socket.shutdown(tcp::socket::shutdown_send, ignored);
      if (reaction.sent) reaction.sent();
      if (error || reaction.close) return;
    }
  }

  void connection(tcp::socket socket, unsigned number) {
    if (tls) {
      asio::ssl::stream<tcp::socket&> stream(socket, *tls);
      error_code error;
      stream.handshake(asio::ssl::stream_base::server, error);
      if (!error) serve(stream, socket, number);
    } else {
      serve(socket, socket, number);
    }
    const std::lock_guard lock(mutex);
    std::erase(sockets, socket.native_handle());
  }

  void accept() {
    for (;;) {
      error_code error;
      tcp::socket socket(io);
      acceptor.accept(socket, error);
      if (stopping) return;
      if (error) continue;
      socket.set_option(tcp::no_delay(true));
      const std::lock_guard lock(mutex);
      sockets.push_back(socket.native_handle());
      threads.emplace_back([this, number = ++connections, s = std::make_shared<tcp::socket>(std::move(socket))] {
        connection(std::move(*s), number);
      });
    }
  }
};

Receiver::Receiver(React react, std::string certificate, std::string key) : impl_(std::make_shared<Impl>()) {
  impl_->react = std::move(react);
  if (!certificate.empty()) {
    impl_->tls.emplace(asio::ssl::context::tls_server);
    impl_->tls->use_certificate_chain(asio::buffer(certificate));
    impl_->tls->use_private_key(asio::buffer(key), asio::ssl::context::pem);
  }
  impl_->threads.reserve(10'000);
  impl_->threads.emplace_back([impl = impl_.get()] { impl->accept(); });
}

Receiver::~Receiver() {
  impl_->stopping = true;
  {
    error_code ignored;
    asio::io_context io;
    tcp::socket poke(io);  // wakes the acceptor
    poke.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port()), ignored);
  }
  impl_->threads.front().join();
  {
    const std::lock_guard lock(impl_->mutex);
    for (const int socket : impl_->sockets) ::shutdown(socket, SHUT_RDWR);
  }
  for (std::size_t i = 1; i < impl_->threads.size(); ++i) impl_->threads[i].join();
}

std::uint16_t Receiver::port() const { return impl_->acceptor.local_endpoint().port(); }
std::string Receiver::url(const std::string& path) const {
  return (impl_->tls ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port()) + path;
}
void Receiver::set(React react) {
  const std::lock_guard lock(impl_->mutex);
  impl_->react = std::move(react);
}
void Receiver::keep_nothing() {
  const std::lock_guard lock(impl_->mutex);
  impl_->keeping = false;
}
std::vector<Received> Receiver::all() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->received;
}
bool Receiver::wait(const std::function<bool(const std::vector<Received>&)>& enough) const {
  std::unique_lock lock(impl_->mutex);
  return impl_->changed.wait_for(lock, std::chrono::minutes(1), [&] { return enough(impl_->received); });
}
bool Receiver::wait_for(std::size_t count) const {
  return wait([count](const auto& received) { return received.size() >= count; });
}

}  // namespace taskledger::reactors
