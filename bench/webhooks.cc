// `./dev bench webhooks`: deliveries a second from the real server to a local receiver that answers at once, and the
// memory of many waiting ones.
#include <fmt/format.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <thread>

#include "bench/bench.h"
#include "bench/dataset.h"

namespace taskledger::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

// Counts requests and answers each 204; one thread.
class Receiver {
 public:
  Receiver() : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    asio::co_spawn(io_, accept(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Receiver() {
    io_.stop();
    thread_.join();
  }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  asio::awaitable<void> accept() {
    for (;;) {
      tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
      socket.set_option(tcp::no_delay(true));
      asio::co_spawn(io_, serve(std::move(socket)), asio::detached);
    }
  }
  asio::awaitable<void> serve(tcp::socket socket) {
    static constexpr std::string_view kAnswer = "HTTP/1.1 204 x\r\n\r\n";
    constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
    std::string buffer;
    for (;;) {
      const auto [head_error, head] =
          co_await asio::async_read_until(socket, asio::dynamic_buffer(buffer), "\r\n\r\n", kAsTuple);
      if (head_error) co_return;
      const auto at = buffer.find("Content-Length: ");
      const std::size_t whole = head + (at < head ? std::strtoul(buffer.c_str() + at + 16, nullptr, 10) : 0);
      if (buffer.size() < whole) {
        const auto missing = asio::transfer_exactly(whole - buffer.size());
        const auto [body_error, body] =
            co_await asio::async_read(socket, asio::dynamic_buffer(buffer), missing, kAsTuple);
        if (body_error) co_return;
      }
      buffer.erase(0, whole);
      ++received_;
      const auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(kAnswer), kAsTuple);
      if (write_error) co_return;
    }
  }

  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  std::atomic<std::uint64_t> received_{0};
  std::thread thread_;
};

class Webhooks {
 public:
  explicit Webhooks(const Settings& settings)
      : settings_(settings),
        folder_(settings.folder.empty() ? own_.path() : settings.folder),
        server_(settings, folder_ + "/webhooks", 0, {"--webhook-allow-private"}) {}

  int run() {
    print(settings_, fmt::format("Machine: {}. {} server thread(s); a receiver in this process, one thread.\n",
                                 machine(), settings_.threads));
    const std::string id = webhook();
    post("/api/v1/webhooks/" + id + "/pause");
    const double before = megabytes();
    const std::uint64_t events = settings_.sizes.back();
    create(events);
    const double waiting = megabytes();
    // What arrives between the rounds is not measured: room for one more round.
    const std::uint64_t each = std::min<std::uint64_t>(events, 200'000) / (settings_.rounds + 1);
    post("/api/v1/webhooks/" + id + "/resume");
    std::vector<double> rates;
    double peak = 0;
    for (unsigned round = 0; round < settings_.rounds; ++round) {
      const std::uint64_t from = receiver_.received(), to = from + each;
      const auto started = Clock::now();
      while (receiver_.received() < to) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        peak = std::max(peak, megabytes());
      }
      rates.push_back(static_cast<double>(receiver_.received() - from) /
                      std::chrono::duration<double>(Clock::now() - started).count());
    }
    print(settings_, "| deliveries | per second | wanted |\n|---|---|---|");
    print(settings_, fmt::format("| to one endpoint that answers at once | {:.0f} | 5000 |", median(rates)));
    print(settings_, fmt::format("\nResident: {:.0f} MB before, {:.0f} MB after {} events were written (their read "
                                 "models included), {:.0f} MB at most while "
                                 "delivering them.",
                                 before, waiting, events, peak));
    return 0;
  }

 private:
  [[nodiscard]] double megabytes() const { return static_cast<double>(server_.process().resident_bytes()) / 1e6; }
  std::string post(const std::string& path, const std::string& body = "{}") {
    unsigned status = 0;
    std::string answer = request_once(server_.port(), body_request("POST", server_.token(), path, body), &status);
    if (status / 100 != 2) throw std::runtime_error(fmt::format("POST {}: {} {}", path, status, answer));
    return answer;
  }
  std::string webhook() {
    const std::string answer =
        post("/api/v1/webhooks", fmt::format(R"({{"url":"http://127.0.0.1:{}/hook"}})", receiver_.port()));
    return answer.substr(answer.find("\"id\":\"") + 6, 36);
  }
  void create(std::uint64_t events) {
    Random random(settings_.seed);
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    for (std::uint64_t done = 0; done < events; done += 100) {
      std::string records = "{\"records\":[";
      for (int k = 0; k < 100; ++k) {
        if (k) records += ',';
        append_create_body(records, random, now);
      }
      post("/api/v1/tasks/batch/create", records + "]}");
    }
  }

  const Settings& settings_;
  TemporaryFolder own_;
  std::string folder_;
  Receiver receiver_;
  TestServer server_;
};

}  // namespace

int run_webhooks(const Settings& settings) { return Webhooks(settings).run(); }

}  // namespace taskledger::bench
