#include "bench/load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <stdexcept>

namespace taskledger::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Connection {
  int fd = -1;
  std::string out, in, answer;  // answer: the last one, while it rests
  std::size_t sent = 0;
  SteadyClock::time_point start;
};

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    if (fd >= 0) ::close(fd);
    throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
  }
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

// The length of the first whole answer in `text`; 0 while it is not there. `body` is where its body begins.
std::size_t whole_answer(std::string_view text, std::size_t& body) {
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  body = end + 4;
  for (std::size_t at = text.find("\r\n") + 2; at < end;) {
    const std::size_t line = text.find("\r\n", at);
    if (line - at > 15 && strncasecmp(text.data() + at, "content-length:", 15) == 0) {
      const std::size_t total = body + std::strtoul(text.data() + at + 15, nullptr, 10);
      return text.size() >= total ? total : 0;
    }
    at = line + 2;
  }
  return body;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

class Generator {
 public:
  Generator(const LoadOptions& options, const NextRequest& next) : options_(options), next_(next) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    latencies_.reserve(1 << 20);
    connections_.resize(options.connections);
    for (unsigned i = 0; i < options.idle_connections; ++i) idle_.push_back(connect_to(options.port));
    for (auto& connection : connections_) open(connection);
  }
  ~Generator() {
    for (auto& connection : connections_) ::close(connection.fd);
    for (const int fd : idle_) ::close(fd);
    ::close(epoll_);
  }

  LoadResult run() {
    for (auto& connection : connections_) proceed(connection, {});
    auto from = SteadyClock::now();
    const auto measured_from = from + duration(options_.warmup);
    auto until = measured_from + duration(options_.seconds);
    double cpu = cpu_seconds();
    epoll_event events[256];
    for (;;) {
      begin_due();
      const int n = ::epoll_wait(epoll_, events, 256, resting_.empty() ? 100 : 1);
      for (int i = 0; i < n; ++i) readable(*static_cast<Connection*>(events[i].data.ptr));
      const auto now = SteadyClock::now();
      if (!counting_ && now >= measured_from) {
        counting_ = true, from = now, until = now + duration(options_.seconds), cpu = cpu_seconds();
      } else if (counting_ && now >= until) {
        return result(std::chrono::duration<double>(now - from).count(), cpu_seconds() - cpu);
      }
    }
  }

 private:
  static SteadyClock::duration duration(double seconds) {
    return std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(seconds));
  }

  void open(Connection& connection) {
    connection.fd = connect_to(options_.port);
    ::fcntl(connection.fd, F_SETFL, ::fcntl(connection.fd, F_GETFL) | O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event);
    connection.in.clear();
  }
  void begin(Connection& connection, std::string_view answer) {
    connection.out.clear();
    next_(connection.out, answer);
    connection.sent = 0;
    connection.start = SteadyClock::now();
    while (connection.sent < connection.out.size()) {  // requests are small; a full buffer shows as a broken connection
      const ssize_t n = ::send(connection.fd, connection.out.data() + connection.sent,
                               connection.out.size() - connection.sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      connection.sent += std::size_t(n);
    }
  }
  void proceed(Connection& connection, std::string_view answer) {
    if (options_.requests_per_second == 0) return begin(connection, answer);
    connection.answer = answer;
    resting_.push_back(&connection);
  }
  // After a stall the rate is that of the others again: what was missed is not made up for in a burst.
  void begin_due() {
    const auto now = SteadyClock::now();
    due_ = std::max(due_, now - duration(0.1));
    while (!resting_.empty() && due_ <= now) {
      Connection& connection = *resting_.front();
      resting_.pop_front();
      begin(connection, connection.answer);
      due_ += duration(1 / options_.requests_per_second);
    }
  }
  void broken(Connection& connection) {
    if (counting_) ++errors_;
    ::close(connection.fd);
    open(connection);
    begin(connection, {});
  }
  void readable(Connection& connection) {
    static thread_local char buffer[256 * 1024];
    const ssize_t n = ::recv(connection.fd, buffer, sizeof buffer, 0);
    if (n <= 0) {
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      return broken(connection);
    }
    connection.in.append(buffer, std::size_t(n));
    std::size_t body = 0;
    const std::size_t length = whole_answer(connection.in, body);
    if (length == 0) return;
    ++answered_;
    const bool good = connection.in.size() > 9 && connection.in[9] == '2';
    if (counting_) {
      const auto us =
          std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - connection.start).count();
      latencies_.push_back(std::uint32_t(us));
      if (!good) ++errors_;
      if (connection.in.compare(9, 3, "503") == 0) ++unavailable_;
    }
    answer_.assign(connection.in, body, length - body);
    connection.in.erase(0, length);
    proceed(connection, answer_);
  }
  LoadResult result(double seconds, double cpu) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](double p) {
      return latencies_.empty()
                 ? 0.0
                 : latencies_[std::min(latencies_.size() - 1, std::size_t(p * double(latencies_.size())))] / 1000.0;
    };
    return {double(latencies_.size()) / seconds,
            at(.5),
            at(.99),
            at(.999),
            at(1),
            latencies_.size(),
            errors_,
            unavailable_,
            cpu / seconds,
            answered_,
            0};
  }

  const LoadOptions& options_;
  const NextRequest& next_;
  int epoll_ = -1;
  std::vector<Connection> connections_;
  std::vector<int> idle_;
  std::deque<Connection*> resting_;  // until the next request falls due
  SteadyClock::time_point due_;
  std::vector<std::uint32_t> latencies_;
  std::string answer_;
  std::uint64_t errors_ = 0, unavailable_ = 0, answered_ = 0;
  bool counting_ = false;
};

}  // namespace

LoadResult run_load(const LoadOptions& options, const NextRequest& next) { return Generator(options, next).run(); }

std::string request_once(std::uint16_t port, const std::string& request, unsigned* status, std::string* head) {
  const int fd = connect_to(port);
  std::string in;
  std::size_t body = 0, length = 0;
  char buffer[65536];
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == ssize_t(request.size())) {
    ssize_t n;
    while (length == 0 && (n = ::recv(fd, buffer, sizeof buffer, 0)) > 0) {
      in.append(buffer, std::size_t(n));
      length = whole_answer(in, body);
    }
  }
  ::close(fd);
  if (length == 0) throw std::runtime_error("no answer to: " + request.substr(0, request.find('\r')));
  if (status) *status = unsigned(std::atoi(in.c_str() + 9));
  if (head) *head = in.substr(0, body);
  return in.substr(body, length - body);
}

std::string get_request(const std::string& token, std::string_view target) {
  std::string out = "GET ";
  out.append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ").append(token).append("\r\n\r\n");
  return out;
}
std::string body_request(std::string_view method, const std::string& token, std::string_view target,
                         std::string_view body) {
  std::string out{method};
  out.append(" ").append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ").append(token);
  out.append("\r\nContent-Type: application/json\r\nContent-Length: ")
      .append(std::to_string(body.size()))
      .append("\r\n\r\n")
      .append(body);
  return out;
}

}  // namespace taskledger::bench
