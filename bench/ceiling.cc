// The HTTP ceiling: a bare Boost.Beast server on Asio coroutines that answers every request with the same bytes. One
// io_context a thread, each with its own listening socket (SO_REUSEPORT); per request nothing is allocated and the
// answer is one prepared buffer, written once.
#include "bench/ceiling.h"

#include <boost/asio.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <memory_resource>
#include <thread>
#include <vector>

namespace taskledger::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;
template <class T>
using Task = asio::awaitable<T, Executor>;
constexpr auto kToken = asio::as_tuple(asio::use_awaitable_t<Executor>{});

template <class T>
struct Arena {
  using value_type = T;
  std::pmr::monotonic_buffer_resource* from;
  explicit Arena(std::pmr::monotonic_buffer_resource* resource) : from(resource) {}
  template <class U>
  Arena(const Arena<U>& other) : from(other.from) {}
  T* allocate(std::size_t n) { return static_cast<T*>(from->allocate(n * sizeof(T), alignof(T))); }
  void deallocate(T*, std::size_t) {}
  bool operator==(const Arena&) const = default;
};

Task<void> session(Socket socket, const std::string& answer) {
  char space[8192];
  std::pmr::monotonic_buffer_resource pool(space, sizeof space);
  beast::flat_static_buffer<65536> buffer;
  using Parser = beast::http::request_parser<beast::http::empty_body, Arena<char>>;
  std::optional<Parser> parser;
  for (;;) {
    parser.reset();
    pool.release();
    parser.emplace(std::piecewise_construct, std::make_tuple(), std::make_tuple(Arena<char>(&pool)));
    parser->eager(true);
    for (;;) {
      beast::error_code error;
      if (buffer.size()) {
        buffer.consume(parser->put(buffer.data(), error));
        if (error && error != beast::http::error::need_more) co_return;
        if (parser->is_done()) break;
      }
      const auto [failed, n] = co_await socket.async_read_some(buffer.prepare(8192), kToken);
      if (failed) co_return;
      buffer.commit(n);
    }
    const auto [failed, n] = co_await asio::async_write(socket, asio::buffer(answer), kToken);
    if (failed) co_return;
  }
}

Task<void> listen(asio::io_context& io, std::uint16_t port, const std::string& answer) {
  asio::basic_socket_acceptor<tcp, Executor> acceptor(io);
  acceptor.open(tcp::v4());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  acceptor.set_option(asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>(true));
  acceptor.bind({asio::ip::address_v4::loopback(), port});
  acceptor.listen(2048);
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(kToken);
    if (error) continue;
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(io.get_executor(), session(std::move(socket), answer), [](const std::exception_ptr& failed) {
      if (failed) std::fputs("session ended by an exception\n", stderr);
    });
  }
}

}  // namespace

int serve_ceiling(std::uint16_t port, unsigned threads, const std::string& answer) {
  std::vector<std::jthread> pool;
  for (unsigned i = 0; i < threads; ++i) {
    pool.emplace_back([&] {
      asio::io_context io(1);
      asio::co_spawn(io.get_executor(), listen(io, port, answer), [](const std::exception_ptr& failed) {
        if (failed) std::fputs("cannot listen\n", stderr), std::exit(1);
      });
      io.run();
    });
  }
  std::printf("ready\n");
  std::fflush(stdout);
  return 0;
}

}  // namespace taskledger::bench
