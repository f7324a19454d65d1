// The client against a server that takes its time, or ends the connection; each wait has an end and a name.
#include "app/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "app/command.h"

namespace taskledger::app {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

// Takes one connection and its request, waits, answers, and closes.
class SlowServer {
 public:
  SlowServer(milliseconds wait, std::string answer)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), wait_(wait), answer_(std::move(answer)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    place_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~SlowServer() {
    ::shutdown(listener_, SHUT_RDWR);  // nobody may have come
    thread_.join();
    ::close(listener_);
  }
  SlowServer(const SlowServer&) = delete;
  SlowServer& operator=(const SlowServer&) = delete;
  [[nodiscard]] std::string url(const char* scheme = "http") const { return std::string(scheme) + "://" + place_; }

 private:
  void serve() const {
    const int peer = ::accept(listener_, nullptr, nullptr);
    if (peer < 0) return;
    char request[4096];
    EXPECT_GT(::recv(peer, request, sizeof request, 0), 0);
    std::this_thread::sleep_for(wait_);
    static_cast<void>(::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL));
    ::close(peer);
  }

  int listener_;
  milliseconds wait_;
  std::string answer_, place_;
  std::thread thread_;
};

constexpr auto kAnswer = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";

std::string failure(const std::string& url, const HttpPatience& patience) {
  try {
    (void)http_request(url, "ksr_x", "POST", "/api/v1/admin/backups", {}, patience);
  } catch (const Failed& failed) {
    return failed.what();
  }
  return "";
}

HttpPatience patience_of(milliseconds connect, std::optional<milliseconds> answer) {
  HttpPatience patience;
  patience.connect = connect;
  patience.answer = answer;
  return patience;
}

TEST(HttpClient, AnAnswerIsWaitedForAsLongAsItIsToldTo) {
  {
    const SlowServer server(milliseconds{400}, kAnswer);
    EXPECT_EQ(failure(server.url(), patience_of(milliseconds{5000}, milliseconds{100})),
              server.url() + ": no answer within 0.1 s");
  }
  // Longer than it may take to connect and to send: each wait has a deadline of its own.
  const SlowServer server(milliseconds{400}, kAnswer);
  HttpPatience patience = patience_of(milliseconds{100}, std::nullopt);
  patience.send = milliseconds{100};
  const HttpAnswer answer = http_request(server.url(), "ksr_x", "POST", "/", {}, patience);
  EXPECT_EQ(answer.status, 201u);
  EXPECT_EQ(answer.body, "{}");
}

TEST(HttpClient, AServerThatIsNoneIsNotWaitedFor) {
  {
    const SlowServer server(milliseconds{400}, "");
    EXPECT_EQ(failure(server.url("https"), patience_of(milliseconds{100}, std::nullopt)),
              server.url("https") + ": no connection within 0.1 s");
  }
  for (const char* part : {"", "HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{"}) {
    const SlowServer server(milliseconds{0}, part);
    EXPECT_EQ(failure(server.url(), patience_of(milliseconds{5000}, std::nullopt)),
              server.url() + ": the server ended the connection before the end of its answer");
  }
}

}  // namespace
}  // namespace taskledger::app
